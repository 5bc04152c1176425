private import WeirSystem

/// A file system that is mounted, and how full it is.
struct Mount: Equatable {
    var device: String
    var point: String
    var type: String

    /// Bytes; what only root may take is reserved.
    struct Usage: Equatable {
        var used: Int64
        var free: Int64
        var reserved: Int64
    }

    /// Those on devices of this host, each device once. Others (the network's) are left out: asking one whose server is
    /// away may take for ever.
    static func local(in files: ProcFiles) -> [Mount] {
        var devices: Set<String> = []
        return (files.words("self/mounts") ?? []).compactMap { words in
            guard words.count >= 3 else { return nil }
            let mount = Mount(device: plain(words[0]), point: plain(words[1]), type: String(words[2]))
            let isLocal = mount.device.hasPrefix("/dev/") || ["overlay", "zfs"].contains(mount.type)
            // Each container's overlay has one name and is another one.
            let isNew = devices.insert(mount.type == "overlay" ? mount.point : mount.device).inserted
            return isLocal && isNew ? mount : nil
        }
    }

    /// nil where it cannot be asked.
    var usage: Usage? {
        var facts = statvfs()
        guard unsafe statvfs(point, &facts) == 0 else { return nil }
        let block = Int64(clamping: facts.f_frsize)
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (product, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(by: block)
            return overflow ? .max : product
        }
        let (total, free, available) = (bytes(facts.f_blocks), bytes(facts.f_bfree), bytes(facts.f_bavail))
        guard total > 0 else { return nil }
        return Usage(used: max(total - free, 0), free: available, reserved: max(free - available, 0))
    }

    /// The kernel writes a space, a tab, a newline and a backslash as `\` and three octal digits.
    private static func plain(_ word: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(word.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            let isEscape =
                byte == UInt8(ascii: "\\") && digits.count == 3 && digits.allSatisfy { (48...55).contains($0) }
            guard isEscape else {
                bytes.append(byte)
                continue
            }
            bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 48) })
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
