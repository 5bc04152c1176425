import Testing
import WeirDump
import WeirExport
import WeirCommands

@Suite("What plugins say of themselves")
struct PluginReportTests {
    private let nats = PluginDescription(
        name: "nats", version: "0.3", abiMajor: 1, abiMinor: 2, requiredFeatures: 0,
        settings: [
            SettingKind(key: "url", description: "Where.", form: .text(1...9), defaultValue: nil),
            SettingKind(key: "ack", description: "Whether.", form: .boolean, defaultValue: "true"),
            SettingKind(key: "size", description: "How much.", form: .bytes(1...9), defaultValue: "1MiB"),
            SettingKind(key: "wait", description: "How long.", form: .duration(1...9), defaultValue: "1s"),
            SettingKind(key: "tries", description: "How often.", form: .integer(1...9), defaultValue: "3"),
            SettingKind(key: "kind", description: "Which.", form: .choice(["a", "b"]), defaultValue: "a"),
        ])

    private func said(_ write: (PluginReport) -> Void) -> String {
        let output = Output()
        write(PluginReport(to: output, terminal: Terminal(hasColour: false)))
        return output.collected
    }

    @Test("a plugin has its settings in a table, with their defaults")
    func settings() {
        #expect(
            said { $0.write(nats, path: "/lib/weir-nats.so") } == """
                nats 0.3, ABI 1.2: /lib/weir-nats.so

                  setting  is             default          what for
                  url      text           (must be given)  Where.
                  ack      true or false  true             Whether.
                  size     size           1MiB             How much.
                  wait     duration       1s               How long.
                  tries    number         3                How often.
                  kind     a, b           a                Which.

                """)
    }

    @Test("those that are refused are listed with why, and those that a name does not lead to with their path")
    func list() {
        let file = PluginDescription(
            name: "file", version: "1", abiMajor: 1, abiMinor: 0, requiredFeatures: 0, settings: [])
        let refusal = ExportError.plugin(path: "/lib/weir-old.so", .wrongMajor(wanted: 1, found: 7))
        let found = [
            FoundPlugin(name: "nats", path: "/lib/weir-nats.so", description: .success(nats), isHidden: false),
            FoundPlugin(name: "old", path: "/lib/weir-old.so", description: .failure(refusal), isHidden: false),
            FoundPlugin(name: "nats", path: "/opt/weir-nats.so", description: .success(nats), isHidden: true),
            FoundPlugin(name: "file", path: "/opt/weir-file.so", description: .success(file), isHidden: false),
        ]
        #expect(
            said { $0.writeList([file], found, directories: ["/lib"]) } == """
                name  version  ABI  settings  where
                file  1        1.0  0         a part of the program
                nats  0.3      1.2  6         /lib/weir-nats.so
                old   refused                 /lib/weir-old.so
                nats  0.3      1.2  6         /opt/weir-nats.so (by its path alone)
                file  1        1.0  0         /opt/weir-file.so (by its path alone)

                refused:
                  /lib/weir-old.so: made for another interface: wanted ABI major version 1, found 7

                """)
        #expect(said { $0.writeList([], [], directories: ["/a", "/b"]) }.hasSuffix("\nno plugins in: /a, /b\n"))
    }
}
