private import CWeirCPU

/// A dimension that measurements can be told apart by, `http.route`.
///
/// A name of 1 to 255 printable characters. Make keys once, usually as static constants: making one looks its name up
/// under a lock, using one costs nothing. Two keys of one name are the same key.
///
/// ```swift
/// let route: TagKey = "http.route"
/// ```
@safe
public struct TagKey: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    // Sendable: what it points to is immutable and lives as long as the process.
    nonisolated(unsafe) let info: UnsafePointer<KeyInfo>

    /// The key of this name; see ``isValid`` for names that cannot be used.
    public init(_ name: String) {
        unsafe info = KeyInfo.intern(name)
    }

    /// The key of this name.
    public init(stringLiteral name: String) {
        self.init(name)
    }

    /// Of the one tag that the series has which takes what a view's limit turns away; its value is `true`.
    package static let overflow = TagKey("otel.metric.overflow")

    /// The key's name.
    public var name: String { unsafe info.pointee.name }

    /// False where the name is empty, longer than 255 bytes or has control characters, or where the process has made
    /// 65,536 keys already. A view by such a key is an error; a tag of such a key is left out.
    public var isValid: Bool { unsafe info.pointee.number >= 0 }

    /// The key's name.
    public var description: String { name }

    /// Whether both are the same key.
    public static func == (left: TagKey, right: TagKey) -> Bool {
        unsafe left.info == right.info
    }

    /// Hashes the key's identity.
    public func hash(into hasher: inout Hasher) {
        unsafe hasher.combine(info)
    }
}

/// What is known of a key. Made once for each name, never freed: the process has a bounded number of them.
struct KeyInfo {
    // What a measurement reads comes first, in one cache line.

    /// From 0 in the order in which keys were made; -1 for the keys that cannot be used.
    let number: Int
    /// Where the hash of a value of this key begins.
    let hash: UInt64

    /// The key's bit in the masks of tags and views. The first 63 keys have one of their own and all others share the
    /// last, which therefore only says "look closer".
    let bit: UInt64
    let name: String

    static let sharedBit: UInt64 = 1 << 63
    static let maximumCount = 65_536

    static func intern(_ name: String) -> UnsafePointer<KeyInfo> {
        // In a signal handler that interrupted whoever has the lock: it would wait for itself.
        guard !lock.isHeldByThisThread else { return unsafe unusable }
        return unsafe lock.withLock {
            if let known = unsafe registry.keys[name] { return unsafe known }
            guard isUsable(name), unsafe registry.keys.count < maximumCount else {
                // Without a place in the registry, so that a flood of bad names does not fill it.
                return unsafe unusable
            }
            let key = unsafe allocate(name, number: registry.keys.count)
            unsafe registry.keys[name] = key
            return unsafe key
        }
    }

    private static func isUsable(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    private static func allocate(_ name: String, number: Int) -> UnsafePointer<KeyInfo> {
        let bytes = Array(name.utf8)
        let hash = unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 as UInt64 }
            let (words, seed) = unsafe (TagWords(start, count: bytes.count), weir_process_key_seed())
            return unsafe TagHash.hash(start, words: words, count: bytes.count, key: seed)
        }
        let key =
            unsafe UnsafeMutableRawPointer
            .allocate(byteCount: MemoryLayout<KeyInfo>.size, alignment: 64)
            .bindMemory(to: KeyInfo.self, capacity: 1)
        let bit = (0..<63).contains(number) ? 1 << UInt64(number) : sharedBit
        unsafe key.initialize(to: KeyInfo(number: number, hash: hash, bit: bit, name: name))
        return unsafe UnsafePointer(key)
    }

    @safe
    private struct Registry: ~Copyable {
        var keys: [String: UnsafePointer<KeyInfo>] = unsafe [:]

        init() {
            // Whoever records a tag has made its key before.
            SmallString.check()
            // Made before anybody can need it in a signal handler.
            _ = unsafe KeyInfo.unusable
        }
    }

    // Sendable: never written.
    nonisolated(unsafe) private static let unusable = unsafe KeyInfo.allocate("", number: -1)

    private static let lock = Lock()
    // Sendable: under the lock.
    nonisolated(unsafe) private static var registry = Registry()
}
