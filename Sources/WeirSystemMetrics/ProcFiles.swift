private import WeirSystem

/// Linux's /proc, or a folder that looks like it. Elsewhere there is none, and so there are no figures.
struct ProcFiles: Sendable {
    var root = "/proc"

    /// What a file says: at most a mebibyte of it, which is more than the kernel has to say.
    func text(_ name: String) -> String? {
        let descriptor = unsafe open("\(root)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < 1 << 20 {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The lines of a file, each as its words.
    func words(_ name: String) -> [[Substring]]? {
        text(name)?.split(separator: "\n").map { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }) }
    }

    /// How many entries a folder has.
    func entries(_ name: String) -> Int64? {
        guard let folder = unsafe opendir("\(root)/\(name)") else { return nil }
        defer { unsafe closedir(folder) }
        var count: Int64 = -2  // "." and ".."
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }
}

/// What the kernel counts in.
struct KernelUnits: Sendable {
    var ticksPerSecond = 100.0
    var pageSize: Int64 = 4_096
    /// Of disks, whatever their own sectors are.
    static let sector: Int64 = 512

    static let current = KernelUnits(
        ticksPerSecond: Double(max(sysconf(Int32(_SC_CLK_TCK)), 1)),
        pageSize: Int64(max(sysconf(Int32(_SC_PAGESIZE)), 1)))
}
