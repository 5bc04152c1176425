private import WeirSystem

/// An open file, or whatever else a descriptor reads: a pipe, a terminal.
///
/// A regular file is read in place at any offset, counted from where the descriptor stood. Anything else passes by
/// once: what the reader has not yet forgotten is kept, which is at most a header and a payload.
package final class DescriptorSource: ByteSource {
    package let path: String
    private let descriptor: CInt
    private let isOwned: Bool
    /// Where offset 0 lies in a regular file; nil for what passes by.
    private let origin: off_t?
    /// What passed by and was not forgotten, from `keptOffset` on.
    private var kept: [UInt8] = []
    private var keptOffset: UInt64 = 0

    /// Opens a regular file for reading and closes it in the end. Anything else is an error and is not waited for: a pipe
    /// that nobody writes to has no end.
    package convenience init(path: String) throws(BatchError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        let failure = errno
        var facts = stat()
        if descriptor < 0 {
            // A socket cannot be opened at all.
            if unsafe failure == ENXIO && stat(path, &facts) == 0 { throw .notRegular(found: Self.kind(facts)) }
            throw .system(call: "open", path: path, errno: failure)
        }
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notRegular(found: Self.kind(facts))
        }
        self.init(descriptor: descriptor, path: path, isOwned: true)
    }

    private static func kind(_ facts: stat) -> String {
        switch facts.st_mode & S_IFMT {
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFDIR: "a directory"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }

    /// Reads from a descriptor that stays the caller's unless `isOwned`.
    package init(descriptor: CInt, path: String, isOwned: Bool = false) {
        self.descriptor = descriptor
        self.path = path
        self.isOwned = isOwned
        var status = stat()
        let isRegular = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        let position = isRegular ? lseek(descriptor, 0, SEEK_CUR) : -1
        origin = position >= 0 ? position : nil
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    package func length() throws(BatchError) -> UInt64? {
        guard let origin else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(call: "fstat", path: path, errno: errno) }
        return UInt64(max(0, status.st_size - origin))
    }

    package func read(at offset: UInt64, atLeast: Int, upTo: Int) throws(BatchError) -> [UInt8] {
        guard let origin else { return try readPassing(at: offset, atLeast: atLeast, upTo: upTo) }
        // No more than there is, so that a lie about a length costs nothing.
        let length = try length() ?? 0
        guard offset < length else { return [] }
        let count = Int(min(UInt64(upTo), length - offset))
        return try unsafe fill(count) { buffer, done in
            unsafe pread(self.descriptor, buffer.baseAddress, buffer.count, origin + off_t(offset) + off_t(done))
        }
    }

    package func forget(before offset: UInt64) {
        guard origin == nil, offset > keptOffset else { return }
        let count = min(UInt64(kept.count), offset - keptOffset)
        kept.removeFirst(Int(count))
        keptOffset += count
    }

    /// Reads on until there is enough.
    private func readPassing(at offset: UInt64, atLeast: Int, upTo: Int) throws(BatchError) -> [UInt8] {
        guard offset >= keptOffset else { return [] }
        let start = Int(offset - keptOffset)
        while kept.count - start < atLeast {
            let more = try readSome(64 << 10)
            if more.isEmpty { break }
            kept += more
        }
        return start < kept.count ? Array(kept[start...].prefix(upTo)) : []
    }

    /// What one call gives; nothing at the end.
    private func readSome(_ count: Int) throws(BatchError) -> [UInt8] {
        var first = true
        return try unsafe fill(count) { buffer, _ in
            guard first else { return 0 }
            first = false
            return unsafe Self.readOnce(self.descriptor, buffer)
        }
    }

    /// An array of up to `count` bytes that `call` provides piece by piece until it gives none.
    private func fill(
        _ count: Int, _ call: (UnsafeMutableRawBufferPointer, Int) -> Int
    ) throws(BatchError) -> [UInt8] {
        var failure: CInt?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            while done < count {
                let result = unsafe call(UnsafeMutableRawBufferPointer(rebasing: raw[done...]), done)
                if result > 0 {
                    done += result
                } else if result == 0 {
                    return
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        if let failure { throw .system(call: "read", path: path, errno: failure) }
        return bytes
    }

    /// Waits for bytes where the descriptor does not block.
    private static func readOnce(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let result = unsafe Platform.read(descriptor, buffer)
            guard result < 0, errno == EINTR || errno == EAGAIN else { return result }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&wanted, 1, -1)
        }
    }

    /// The system's `read`, which the method of that name hides.
    private enum Platform {
        static func read(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
            #if canImport(Glibc)
            return unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
            return unsafe Musl.read(descriptor, buffer.baseAddress, buffer.count)
            #else
            return unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
        }
    }
}
