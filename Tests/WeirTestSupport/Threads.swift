internal import Foundation

/// Runs `body` on so many threads of their own, all begun together, and returns when all have ended.
///
/// Threads and not tasks: there are more of them than cores, so that they are preempted and moved.
package func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let start = NSCondition()
    let ended = DispatchGroup()
    nonisolated(unsafe) var waiting = 0
    for number in 0..<count {
        ended.enter()
        Thread.detachNewThread {
            start.lock()
            unsafe waiting += 1
            if unsafe waiting == count { start.broadcast() }
            while unsafe waiting < count { start.wait() }
            start.unlock()
            body(number)
            ended.leave()
        }
    }
    ended.wait()
}
