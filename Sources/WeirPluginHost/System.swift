private import WeirSystem

/// What the operating system is asked for.
enum System {
    static func isSocket(_ descriptor: Int32) -> Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    /// Closes what the application had open without meaning to pass it on, and keeps the socket from programs that the
    /// plugin starts.
    static func closeDescriptors(above last: Int32) {
        _ = fcntl(last, F_SETFD, FD_CLOEXEC)
        for descriptor in openDescriptors() where descriptor > last { close(descriptor) }
    }

    private static func openDescriptors() -> [Int32] {
        guard let directory = unsafe opendir("/proc/self/fd") ?? opendir("/dev/fd") else {
            return Array(0..<Int32(min(max(sysconf(Int32(_SC_OPEN_MAX)), 0), 65_536)))
        }
        defer { unsafe closedir(directory) }
        let own = unsafe dirfd(directory)
        var found: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let descriptor = Int32(name), descriptor != own { found.append(descriptor) }
        }
        return found
    }

    /// Lets the process allocate no more than so many bytes beyond what it has. A plugin that wants more is refused by
    /// `malloc`.
    static func limitMemory(to bytes: UInt64) {
        #if os(Linux)
        // The limit counts what is private and writable, which the sixth number here is, in pages.
        guard let file = unsafe fopen("/proc/self/statm", "re") else { return }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard unsafe fgets(&line, 256, file) != nil else { return }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let numbers = text.split(separator: " ").compactMap { UInt64($0) }
        guard numbers.count >= 6 else { return }
        let (most, overflow) = (numbers[5] * UInt64(getpagesize())).addingReportingOverflow(bytes)
        guard !overflow else { return }
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_DATA.rawValue)
        #else
        let resource = RLIMIT_DATA
        #endif
        unsafe getrlimit(resource, &limit)
        limit.rlim_cur = min(rlim_t(most), limit.rlim_max)
        limit.rlim_max = limit.rlim_cur
        unsafe setrlimit(resource, &limit)
        #endif
    }

    /// A line for whoever reads what this program prints: its parent.
    static func complain(_ line: String) {
        var line = "weir-plugin-host: " + line + "\n"
        line.withUTF8 { utf8 in _ = unsafe write(2, utf8.baseAddress, utf8.count) }
    }

    /// Ends as a program does, flushing what C streams hold.
    static func exit(code: Int32) -> Never {
        #if canImport(Glibc)
        Glibc.exit(code)
        #elseif canImport(Musl)
        Musl.exit(code)
        #else
        Darwin.exit(code)
        #endif
    }

    /// Ends without a word to the plugin, whose threads may hold any lock.
    static func endNow(code: Int32) -> Never {
        _exit(code)
    }
}
