import CWeirCPU
import Foundation

/// Moves all threads of the process from core to core, and interrupts them with signals, until it is stopped.
final class Disturber: @unchecked Sendable {
    // Sendable: only `goesOn` is shared, under its lock.
    private let lock = NSLock()
    private var goesOn = true
    private let done = DispatchSemaphore(value: 0)

    init() {
        // Delivered to whichever thread runs; a handler that does nothing still takes the thread out of a sequence.
        signal(SIGALRM) { _ in }
        Self.interrupt(everyMicroseconds: 300)
        Thread.detachNewThread { self.run() }
    }

    func stop() {
        lock.withLock { goesOn = false }
        done.wait()
        Self.interrupt(everyMicroseconds: 0)
    }

    private static func interrupt(everyMicroseconds interval: Int) {
        let time = timeval(tv_sec: 0, tv_usec: interval)
        var timer = itimerval(it_interval: time, it_value: time)
        unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }

    private func run() {
        let cores = Int(weir_cpu_count())
        var core = 0
        while lock.withLock({ goesOn }) {
            core = (core + 1) % max(1, cores)
            for task in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? [] {
                set(Int32(task) ?? 0, [core])
            }
        }
        for task in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? [] {
            set(Int32(task) ?? 0, Array(0..<cores))
        }
        done.signal()
    }

    private typealias SetAffinity = @convention(c) (Int32, Int, UnsafeRawPointer) -> Int32

    /// A declaration of glibc's that the module of its headers leaves out.
    private static let setAffinity = unsafe dlsym(nil, "sched_setaffinity").map {
        unsafe unsafeBitCast($0, to: SetAffinity.self)
    }

    private func set(_ task: Int32, _ cores: [Int]) {
        var mask = [UInt64](repeating: 0, count: 64)
        for core in cores where core < 4_096 { mask[core / 64] |= 1 << UInt64(core % 64) }
        unsafe mask.withUnsafeBytes { bytes in
            _ = unsafe Self.setAffinity?(task, bytes.count, bytes.baseAddress!)
        }
    }
}
