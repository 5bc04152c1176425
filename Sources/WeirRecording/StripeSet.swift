private import CWeirCPU
private import WeirSystem

/// The memory of all cells: one stripe for each core that the machine may have, one shared by whoever needs it, and two for
/// the ledger (see `StripeSet+Ledger.swift`).
///
/// All stripes are one mapping, reserved in full and paid for page by page where a core really records. A cell has the
/// same place in every stripe; its number is that place. Each core writes its own stripe by ``weir_cell_add`` and its
/// like, and whoever collects reads them all. The shared stripe holds what is not additive (last values) and what
/// threads add that the kernel has not registered; only atomics touch it.
///
/// Not thread safe but for the cells themselves: ``Stats`` allocates under its lock.
@safe
package final class StripeSet: @unchecked Sendable {
    /// The first stripe.
    let base: UnsafeMutablePointer<CChar>
    /// Bytes from one stripe to the next.
    let pitch: Int
    /// Stripes of cores; the shared stripe has this number.
    let count: UInt32

    /// Cells that were never used begin here.
    private var next: Int
    /// Cells to use again, by the length of their run.
    private var free: [Int: [Int]] = [:]
    /// The half of every pair that nobody writes, in bytes behind the first; `nil` where that is not known. Of the collection
    /// that runs, or under the lock.
    var idleHalf: Int?

    /// The first cells of every stripe are the process's own: see ``FixedCell``.
    static let reservedCells = 16

    /// The most cells a stripe is asked to hold: 32 Mi, 256 MiB of address space a core.
    static let preferredCells = 32 << 20

    /// Reserves stripes of at most `cells` cells each. Where the system refuses, of half as many, and again, down to
    /// one page.
    ///
    /// - Throws: ``StatsError/noMemory(wanted:)`` where even that is refused.
    init(cells: Int = StripeSet.preferredCells) throws(StatsError) {
        count = weir_cpu_count()
        let stripes = Int(count) + 1 + Self.ledgerStripes
        var pitch = max(4096, (cells * 8 + 4095) & ~4095)
        while true {
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            let address = unsafe mmap(nil, pitch * stripes, PROT_READ | PROT_WRITE, flags, -1, 0)
            if let address = unsafe address, unsafe address != MAP_FAILED {
                unsafe base = address.assumingMemoryBound(to: CChar.self)
                break
            }
            guard pitch > 4096 else { throw .noMemory(wanted: pitch * stripes) }
            pitch = max(4096, pitch / 2 & ~4095)
        }
        self.pitch = pitch
        next = Self.reservedCells
        #if os(Linux)
        // Pages one by one: a huge page would make a core pay for 2 MiB with its first record. A fork's child starts
        // with empty cells.
        unsafe madvise(base, pitch * stripes, MADV_NOHUGEPAGE)
        unsafe madvise(base, pitch * stripes, MADV_WIPEONFORK)
        #endif
    }

    deinit {
        unsafe munmap(base, pitch * (Int(count) + 1 + Self.ledgerStripes))
    }

    /// How many cells a stripe holds.
    var capacity: Int { pitch / 8 }

    /// The address of a cell in the first stripe.
    @inline(__always)
    func address(of cell: Int) -> UnsafeMutablePointer<CChar> {
        unsafe base + cell * 8
    }

    /// The address of a cell in the shared stripe.
    func sharedAddress(of cell: Int) -> UnsafeMutablePointer<CChar> {
        unsafe base + cell * 8 + Int(count) * pitch
    }

    /// Cells in a run, zero in every stripe; `nil` where the stripes are full.
    func allocate(_ length: Int) -> Int? {
        if let cell = free[length]?.popLast() { return cell }
        guard next + length <= capacity else { return nil }
        defer { next += length }
        return next
    }

    /// Gives a run back. Nobody may write it any more; it is zeroed in every stripe.
    func release(_ cell: Int, length: Int) {
        for stripe in 0...Int(count) + Self.ledgerStripes {
            let address = unsafe base + cell * 8 + stripe * pitch
            for offset in stride(from: 0, to: length * 8, by: 8) where unsafe weir_cell_load(address + offset) != 0 {
                // Not written where it is zero already: that would touch pages of cores that never recorded.
                unsafe weir_cell_store(address + offset, 0)
            }
        }
        free[length, default: []].append(cell)
    }

    // MARK: - Reading, over all stripes

    /// Sums a cell of a count. Wraps around like the adds did.
    @inline(__always)
    package func sum(_ cell: Int) -> UInt64 {
        var total: UInt64 = 0
        var address = unsafe base + cell * 8
        for _ in 0...count {
            unsafe total &+= weir_cell_load(address)
            unsafe address += pitch
        }
        return total
    }

    /// The greatest of a cell.
    @inline(__always)
    package func maximum(_ cell: Int) -> UInt64 {
        var greatest: UInt64 = 0
        var address = unsafe base + cell * 8
        for _ in 0...count {
            unsafe greatest = max(greatest, weir_cell_load(address))
            unsafe address += pitch
        }
        return greatest
    }

    /// A cell of the shared stripe alone.
    @inline(__always)
    package func shared(_ cell: Int) -> UInt64 {
        unsafe weir_cell_load(sharedAddress(of: cell))
    }
}

/// The reserved cells, in every stripe at the same place.
enum FixedCell {
    /// Measurements that changed nothing because they were not finite, or negative where only growth is allowed.
    static let rejected = 4
    /// Measurements through a bound recorder whose view is gone.
    static let gone = 5
    /// Measurements that found no memory for a series.
    static let lost = 6
    // 8, a cache line of its own: which half is added to. See `WEIR_HALF_OFFSET`.
}
