private import Foundation

/// The process's environment variables.
enum Environment {
    static var process: [String: String] { ProcessInfo.processInfo.environment }
}
