package import WeirBatch
extension FrameHeader {
    package func encoded() -> [UInt8] { [] }
    package static func read(_ bytes: [UInt8]) -> (FrameHeader, Int)? { nil }
}
package enum BatchError: Error, Equatable { case x }
package final class Payload: Sendable {
  package let bytes: [UInt8] = [], rawLength = 0, rows = 0, points = 0, startTime: UInt64 = 0, endTime: UInt64 = 0
}
package struct BatchEncoder: ~Copyable {
  package init(level: Int32 = 1) throws(BatchError) {}
  package mutating func encode(_ batch: borrowing Batch) throws(BatchError) -> Payload { throw .x }
}
