internal import CWeirBatch

/// Where protobuf-c unpacks a message: memory with a budget, all of it freed together.
///
/// A few bytes on the wire can ask for a hundred times as much (an empty view is two bytes and one struct), so the
/// budget counts what is asked for; past it protobuf-c is told that there is no memory, and gives up. As nothing is
/// freed singly, a dictionary of a million strings costs a million additions, not a million calls of malloc.
@safe
final class UnpackArena {
    private var chunks: [UnsafeMutableRawBufferPointer] = unsafe []
    /// Bytes of the last chunk in use.
    private var used = 0
    private var budget: Int

    private static let chunkLength = 64 << 10
    private static let alignment = 16

    init(budget: Int) {
        self.budget = budget
    }

    deinit {
        unsafe chunks.forEach { unsafe $0.deallocate() }
    }

    /// Runs `body` with an allocator that takes from this arena, and must not be used after.
    func withAllocator<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result) -> Result {
        var allocator = unsafe ProtobufCAllocator(
            alloc: { data, size in
                guard let data = unsafe data else { return nil }
                return unsafe Unmanaged<UnpackArena>.fromOpaque(data).takeUnretainedValue().allocate(size)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
        return withExtendedLifetime(self) { unsafe body(&allocator) }
    }

    private func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size >= 0, size <= budget else { return nil }
        let rounded = (max(size, 1) + Self.alignment - 1) & ~(Self.alignment - 1)
        guard rounded <= budget else { return nil }
        budget -= rounded
        if unsafe rounded > (chunks.last?.count ?? 0) - used {
            let length = max(Self.chunkLength, rounded)
            unsafe chunks.append(.allocate(byteCount: length, alignment: Self.alignment))
            used = 0
        }
        defer { used += rounded }
        return unsafe chunks[chunks.count - 1].baseAddress.map { unsafe $0 + used }
    }
}
