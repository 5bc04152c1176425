package import Foundation

/// The processes that this one has started and that have a file mapped: those that run a plugin.
package func childProcesses(running path: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
        guard let process = pid_t(name),
            // Behind the program's name, in parentheses: state, parent.
            let rest = contents("/proc/\(name)/stat")?.split(separator: ")").last?.split(separator: " "),
            rest.count > 1, rest[1] == "\(getpid())", contents("/proc/\(name)/maps")?.contains(path) == true
        else { return nil }
        return process
    }
}

/// `String(contentsOfFile:)` takes no more than a page of a file that does not know its length.
private func contents(_ path: String) -> String? {
    let data = try? FileHandle(forReadingAtPath: path)?.readToEnd()
    return data.map { String(decoding: $0, as: UTF8.self) }
}
