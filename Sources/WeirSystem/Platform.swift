/// The C library of the platform, whichever it is: the one place that knows their names.
///
/// A module that asks the system imports this one, `private` wherever that is enough.
#if canImport(Glibc)
@_exported public import Glibc
#elseif canImport(Musl)
@_exported public import Musl
#else
@_exported public import Darwin
#endif
