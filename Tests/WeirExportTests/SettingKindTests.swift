import Testing
import WeirExport

@Suite("Settings of a sink")
struct SettingKindTests {
    private let kinds = [
        SettingKind(key: "directory", description: "Where.", form: .text(1...10), defaultValue: nil),
        SettingKind(key: "rotateBytes", description: "", form: .bytes(1...1 << 40), defaultValue: "64MiB"),
        SettingKind(key: "rotateAge", description: "", form: .duration(1...Int64.max), defaultValue: "1h"),
        SettingKind(key: "sync", description: "", form: .choice(["never", "second"]), defaultValue: "second"),
        SettingKind(key: "quiet", description: "", form: .boolean, defaultValue: "false"),
        SettingKind(key: "files", description: "", form: .integer(2...9), defaultValue: "4"),
    ]

    private func check(_ configured: [String: String]) throws(ExportError) -> [Int64] {
        try SettingKind.check(configured, against: kinds, sink: "file").map(\.number)
    }

    @Test("defaults stand where nothing is configured")
    func defaults() throws {
        #expect(try check(["directory": "x"]) == [0, 64 << 20, 3_600_000_000_000, 1, 0, 4])
    }

    @Test(
        "sizes and durations have units",
        arguments: [
            ("rotateBytes", "512", 512), ("rotateBytes", "4 KiB", 4096), ("rotateBytes", "3MB", 3_000_000),
            ("rotateAge", "500ms", 500_000_000), ("rotateAge", "2m", 120_000_000_000), ("rotateAge", "7ns", 7),
        ])
    func units(key: String, text: String, number: Int64) throws {
        #expect(try check(["directory": "x", key: text]).contains(number))
    }

    @Test(
        "what does not fit is refused with what was wanted and found",
        arguments: [
            ("rotateBytes", "-1"), ("rotateBytes", "1.5MB"), ("rotateBytes", "9999999999999TiB"), ("rotateBytes", ""),
            ("rotateAge", "10"), ("rotateAge", "10 parsecs"), ("sync", "Never"), ("quiet", "yes"), ("files", "10"),
            ("files", "+"), ("directory", ""), ("directory", "01234567890"), ("directory", "a\0b"),
        ])
    func invalid(key: String, text: String) {
        let error = #expect(throws: ExportError.self) {
            try check(["directory": "x"].merging([key: text]) { $1 })
        }
        guard case .setting("file", .invalid(key, _, text)) = error else {
            Issue.record("wanted \(key) to be invalid, found \(String(describing: error))")
            return
        }
    }

    @Test("sizes and durations are written with the greatest unit that is exact")
    func spelling() {
        #expect(
            [0, 1, 512, 1024, 1536, 64 << 20, 3 << 40].map(SettingKind.Form.bytes)
                == ["0B", "1B", "512B", "1KiB", "1536B", "64MiB", "3TiB"])
        #expect(
            [0, 7, 1_500_000, 90_000_000_000, 3_600_000_000_000, 86_400_000_000_000].map(SettingKind.Form.duration)
                == ["0ns", "7ns", "1500us", "90s", "1h", "1d"])
        #expect(
            SettingKind.Form.duration(1_000_000...60_000_000_000).wanted
                == "a duration such as 500ms, 10s or 1h, from 1ms to 1m")
        #expect(SettingKind.Form.integer(1...Int64.max).wanted == "a whole number of at least 1")
    }

    @Test("an unknown key is refused with the nearest known name")
    func unknown() {
        let known = kinds.map(\.key)
        let misspelt = SettingFault.unknown(key: "rotateBites", nearest: "rotateBytes", known: known)
        #expect(throws: ExportError.setting(sink: "file", misspelt)) {
            try check(["directory": "x", "rotateBites": "1"])
        }
        #expect(throws: ExportError.setting(sink: "file", .unknown(key: "colour", nearest: nil, known: known))) {
            try check(["directory": "x", "colour": "red"])
        }
    }

    @Test("a setting without a default must be given")
    func missing() {
        #expect(throws: ExportError.setting(sink: "file", .missing(key: "directory", description: "Where."))) {
            try check([:])
        }
    }
}
