internal import CWeirCPU

/// What series hold beside their cells: see "Cells" in Contributing. The ledger is the lock's of ``Stats``, or of the collection
/// that runs.
extension StripeSet {
    /// Behind the stripes of cores and the shared one.
    static let ledgerStripes = 2

    /// Where in a stripe a ledger's words are that belong to a cell.
    private func ledgerAddress(of cell: Int, word: Int) -> UnsafeMutablePointer<CChar> {
        unsafe base + cell * 8 + (Int(count) + 1 + word) * pitch
    }

    // MARK: - Sums of Double: pairs of cells

    /// From now on the other half of every pair is added to; the one before may be emptied where the kernel restarted all
    /// sequences. Some microseconds.
    func turn() {
        let before = unsafe weir_cell_load(base + Int(WEIR_HALF_OFFSET))
        guard weir_cpu_is_rseq() else { return }
        unsafe weir_cell_store(base + Int(WEIR_HALF_OFFSET), 8 - before)
        idleHalf = weir_cpu_restart() ? Int(before) : nil
    }

    /// What a pair's cells and its ledger hold, all of which that can be is moved to the ledger.
    func take(_ pair: Int) -> ExactSum { PairTaker(self).take(pair) }

    /// What a pair's cells and its ledger hold; of several pairs that lie one behind the other, together, with one ledger.
    func exactSum(_ pair: Int, pairs: Int = 1) -> ExactSum {
        var sum = ledger(pair)
        for stripe in 0...Int(count) {
            let first = unsafe address(of: pair) + stripe * pitch
            for cell in 0..<2 * pairs { sum.add(unsafe Double(bitPattern: weir_cell_load(first + cell * 8))) }
        }
        return sum
    }

    /// What was taken from a pair so far. The last word is only looked at where the one before it says something.
    fileprivate func ledger(_ pair: Int) -> ExactSum {
        func word(_ cell: Int, _ word: Int) -> Double {
            unsafe Double(bitPattern: weir_cell_load(ledgerAddress(of: cell, word: word)))
        }
        let second = word(pair + 1, 0)
        return ExactSum(word(pair, 0), remainder: [second, second == 0 ? 0 : word(pair, 1)])
    }

    func setLedger(_ pair: Int, _ sum: ExactSum) {
        unsafe weir_cell_store(ledgerAddress(of: pair, word: 0), sum.rounded.bitPattern)
        unsafe weir_cell_store(ledgerAddress(of: pair + 1, word: 0), sum.remainder.x.bitPattern)
        let third = unsafe ledgerAddress(of: pair, word: 1)
        // Not written where it is zero already: most series never touch the page.
        if unsafe sum.remainder.y != 0 || weir_cell_load(third) != 0 {
            unsafe weir_cell_store(third, sum.remainder.y.bitPattern)
        }
    }

    /// Adds to the total of a pair, whose cells stay as they are.
    func addToLedger(_ pair: Int, _ amount: ExactSum) {
        var sum = ledger(pair)
        sum.add(amount)
        setLedger(pair, sum)
    }

    // MARK: - Sums of Int64

    /// What a cell and its ledger hold.
    func integerSum(_ cell: Int) -> Int128 {
        let first = unsafe address(of: cell)
        let stripes = weir_cpu_stripes_in_use(count)
        var fast: Int64 = 0
        var sum: Int128 = 0
        if unsafe weir_cell_sum_signed(&fast, first, pitch, stripes) {
            sum = Int128(fast)
        } else {
            for stripe in 0..<Int(stripes) {
                sum += unsafe Int128(Int64(bitPattern: weir_cell_load(first + stripe * pitch)))
            }
        }
        return weir_cpu_ledger_is_used() ? sum + integerLedger(cell) : sum
    }

    private func integerLedger(_ cell: Int) -> Int128 {
        let (lower, upper) = unsafe (ledgerAddress(of: cell, word: 0), ledgerAddress(of: cell, word: 1))
        let low = unsafe weir_cell_load(lower)
        if low >> 62 != 0 {
            // So that it never overflows. Nobody but who is here reads the two.
            let excess = low & ~UInt64(UInt32.max)
            unsafe weir_cell_atomic_add(upper, excess >> 32)
            unsafe weir_cell_atomic_add(lower, 0 &- excess)
        }
        let (lowNow, high) = unsafe (weir_cell_load(lower), Int64(bitPattern: weir_cell_load(upper)))
        return Int128(high) << 32 + Int128(lowNow)
    }

    /// Adds to the total of a cell, which stays as it is.
    func addToLedger(_ cell: Int, _ amount: Int128) {
        weir_cpu_use_ledger()
        let low = UInt64(truncatingIfNeeded: amount) & UInt64(UInt32.max)
        unsafe weir_cell_atomic_add(ledgerAddress(of: cell, word: 1), UInt64(truncatingIfNeeded: amount >> 32))
        unsafe weir_cell_atomic_add(ledgerAddress(of: cell, word: 0), low)
    }
}

/// Moves to ledgers what can be moved, of one collection: what is the same for all pairs is looked up once.
struct PairTaker {
    private let stripes: StripeSet
    /// Stripes that only sequences write, and all that hold anything.
    private let sequenced: Int
    private let used: Int

    init(_ stripes: StripeSet) {
        self.stripes = stripes
        sequenced = weir_cpu_is_rseq() ? Int(stripes.count) : 0
        used = Int(weir_cpu_stripes_in_use(stripes.count))
    }

    /// What the cells and the ledger of a pair hold; of several pairs that lie one behind the other, together, with one ledger.
    /// All that can be is moved to the ledger.
    @inline(__always)
    func take(_ pair: Int, pairs: Int = 1) -> ExactSum {
        var (taken, left) = (Compensated(), Compensated())
        let (idleHalf, pitch) = (stripes.idleHalf, stripes.pitch)
        var first = unsafe stripes.address(of: pair)
        for _ in 0..<pairs {
            var cell = unsafe first
            for _ in 0..<sequenced {
                if let idleHalf {
                    let idle = unsafe cell + idleHalf
                    let bits = unsafe weir_cell_load(idle)
                    taken.add(bits: bits)
                    // Nobody else writes it: every sequence that began before the halves were turned has ended.
                    if bits != 0 { unsafe weir_cell_store(idle, 0) }
                    unsafe left.add(bits: weir_cell_load(cell + (8 - idleHalf)))
                } else {
                    unsafe left.add(bits: weir_cell_load(cell))
                    unsafe left.add(bits: weir_cell_load(cell + 8))
                }
                unsafe cell += pitch
            }
            for _ in sequenced..<used {
                if unsafe weir_cell_load(cell) != 0 { unsafe taken.add(bits: weir_cell_take(cell)) }
                unsafe cell += pitch
            }
            unsafe first += 16
        }
        var sum = stripes.ledger(pair)
        if taken.add(to: &sum) { stripes.setLedger(pair, sum) }
        _ = left.add(to: &sum)
        return sum
    }

    /// A few amounts, and what rounding took of their sum.
    private struct Compensated {
        private var sum = 0.0
        private var error = 0.0

        @inline(__always)
        mutating func add(bits: UInt64) {
            // Mostly there is nothing.
            if bits == 0 { return }
            let (sum, error) = exactly(sum, Double(bitPattern: bits))
            self.sum = sum
            self.error += error
        }

        /// Returns whether that changed it.
        @inline(__always)
        func add(to total: inout ExactSum) -> Bool {
            if sum == 0 && error == 0 { return false }
            total.add(sum)
            total.add(error)
            return true
        }
    }
}
