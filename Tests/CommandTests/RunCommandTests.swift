import Foundation
import Testing
import WeirTestSupport

@Suite("weir run as a command")
struct RunCommandTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try write("interval: 100ms\nsinks:\n  file: {exporter: file, settings: {directory: \(folder.path("data"))}}\n")
    }

    private func write(_ configuration: String) throws {
        try folder.write(Array(configuration.utf8), to: "weir.yaml")
    }

    /// Runs a script in which `start` begins `weir run` with these arguments, `saw TEXT` waits until it has said so, and
    /// `ended` prints its exit code.
    private func script(_ steps: String, _ arguments: String...) throws -> Program.Result {
        // Not /bin/sh: tests run with signals blocked, and dash waits for a child's by SIGCHLD.
        try Program.run(
            "/bin/bash",
            [
                "-c",
                """
                weir=$1 file=$2 log=$3; shift 3
                start() { "$weir" run -c "$file" "$@" 2>"$log" & process=$!; }
                saw() { for i in $(seq 1500); do grep -q "$1" "$log" 2>/dev/null && return; sleep 0.02; done; echo "no $1"; }
                ended() { wait $process; echo $?; }
                \(steps)
                cat "$log" >&2
                """, "bash", Command.weirPath, folder.path("weir.yaml"), folder.path("log"),
            ] + arguments)
    }

    /// What `weir check` says: no batch may be missing, and each stream must have ended in order.
    private func expectWholeStreams() throws {
        let check = try Command.weir("check", folder.path("data"))
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    @Test("SIGTERM delivers what waits, ends the stream and is no failure")
    func signal() throws {
        let run = try script("start; saw 'SIGHUP reloads'; kill -TERM $process; ended")
        #expect(run.output == "0\n", "\(run.errors)")
        #expect(run.errors.contains(" batches delivered"))
        try expectWholeStreams()
        let dump = try Command.weir("dump", folder.path("data"))
        for view in ["system.cpu.time", "system.memory.usage", "process.cpu.time", "process.memory.usage"] {
            #expect(dump.output.contains("\n\(view) ") || dump.output.hasPrefix("\(view) "), "\(view) is missing")
        }
    }

    @Test("a command's exit code is passed on, and its figures are there when it has ended")
    func command() throws {
        // Longer than one interval, so that a collection sees it.
        let run = try script("start -- sh -c 'sleep 0.5; exit 7'; ended")
        #expect(run.output == "7\n", "\(run.errors)")
        try expectWholeStreams()
        let dump = try Command.weir("dump", folder.path("data"), "--match", "process.thread.count")
        #expect(dump.output.contains("\n  sh "), "\(dump.output)")
    }

    @Test("a command that a signal ends is told as a shell tells it")
    func killed() throws {
        let run = try script("start -- sh -c 'kill -9 $$'; ended")
        #expect(run.output == "137\n", "\(run.errors)")
        try expectWholeStreams()
    }

    @Test("a signal goes to the command first")
    func forwarded() throws {
        let run = try script(
            "start -- sh -c 'trap \"echo heard; exit 5\" TERM; echo ready >&2; while :; do sleep 0.02; done';"
                + "saw ready; saw 'SIGHUP reloads'; kill -TERM $process; ended")
        #expect(run.output == "heard\n5\n", "\(run.errors)")
        try expectWholeStreams()
    }

    @Test("a signal that is sent twice in a moment ends in order")
    func twice() throws {
        let run = try script("start; saw 'SIGHUP reloads'; kill -TERM $process; kill -TERM $process 2>/dev/null; ended")
        #expect(run.output == "0\n", "\(run.errors)")
        try expectWholeStreams()
    }

    @Test("an interrupt of the terminal reaches the command once, whatever standard input is")
    func interrupt() throws {
        // A shell would run a trap once for two signals in a row.
        let command = """
            import os, signal
            signal.signal(signal.SIGINT, lambda *_: os.write(1, b"heard\\n"))
            os.write(1, b"ready\\n")
            while True: signal.pause()
            """
        let run = try Program.run(
            "/usr/bin/env",
            [
                "python3", "-c",
                """
                import os, pty, sys
                process, terminal = pty.fork()
                if process == 0:
                    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                    os.execv(sys.argv[1], sys.argv[1:])
                text, is_sent = b"", False
                while True:
                    try: piece = os.read(terminal, 4096)
                    except OSError: break
                    if not piece: break
                    text += piece
                    if b"ready" in text and b"SIGHUP reloads" in text and not is_sent:
                        os.write(terminal, b"\\x03")
                        is_sent = True
                print(text.decode())
                sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
                """, Command.weirPath, "run", "-c", folder.path("weir.yaml"), "--deadline", "1s", "--",
                "python3", "-c", command,
            ])
        // The command ends at its deadline, so that it has heard all there was.
        #expect(run.status == 137, "\(run.output)\(run.errors)")
        #expect(run.output.components(separatedBy: "heard").count == 2, "\(run.output)")
        try expectWholeStreams()
    }

    @Test("a command that does not end by the deadline is killed")
    func deadline() throws {
        let run = try script(
            "start --deadline 200ms -- sh -c 'trap : TERM; echo ready >&2; while :; do sleep 0.02; done';"
                + "saw ready; saw 'SIGHUP reloads'; kill -TERM $process; ended")
        #expect(run.output == "137\n", "\(run.errors)")
        try expectWholeStreams()
    }

    @Test("a second signal ends both at once")
    func second() throws {
        let run = try script(
            """
            start --deadline 1h -- sh -c 'trap : TERM; echo "command $$." >&2; while :; do sleep 0.02; done'
            saw '^command'; saw 'SIGHUP reloads'; kill -TERM $process
            command=$(sed -n 's/^command \\(.*\\)\\./\\1/p' "$log")
            for i in $(seq 1500); do kill -TERM $process 2>/dev/null || break; sleep 0.02; done
            ended
            for i in $(seq 1500); do kill -0 $command 2>/dev/null || break; sleep 0.02; done
            kill -0 $command 2>/dev/null && echo "$command is left"
            true
            """)
        #expect(run.output == "143\n", "\(run.errors)")
    }

    @Test("SIGHUP reads the configuration again, and one in which something is wrong changes nothing")
    func reload() throws {
        let run = try script(
            """
            start; saw 'SIGHUP reloads'
            echo 'intervall: 1s' >"$file.new"; cat "$file" >>"$file.new"; cp "$file" "$file.old"; mv "$file.new" "$file"
            kill -HUP $process; saw 'is not reloaded'
            sed 's/100ms/50ms/' "$file.old" >"$file.new"; mv "$file.new" "$file"
            kill -HUP $process; saw 'was reloaded'
            kill -TERM $process; ended
            """)
        #expect(run.output == "0\n", "\(run.errors)")
        #expect(run.errors.contains("intervall"))
        try expectWholeStreams()
    }

    @Test("a configuration may come through a pipe, and is read once")
    func pipe() throws {
        let run = try script(
            """
            "$weir" run -c <(cat "$file") 2>"$log" & process=$!
            saw 'is not read again'; kill -HUP $process; saw 'is not reloaded'; kill -TERM $process; ended
            """)
        #expect(run.output == "0\n", "\(run.errors)")
        try expectWholeStreams()
    }

    @Test("what is not delivered is told, and is a failure")
    func lost() throws {
        // A directory that is a file by the time something is written to it.
        let run = try script(
            """
            start --deadline 300ms; saw 'SIGHUP reloads'
            rm -r '\(folder.path("data"))'; echo >'\(folder.path("data"))'; sleep 0.3; kill -TERM $process; ended
            """)
        #expect(run.output == "1\n", "\(run.errors)")
        #expect(run.errors.contains("lost (shutdown)") || run.errors.contains("no end mark"), "\(run.errors)")
    }

    @Test("what keeps it from beginning has an exit code of its own")
    func refusals() throws {
        let missing = try Command.weir("run", "-c", folder.path("none.yaml"))
        #expect(missing.status == 2)
        #expect(missing.errors.contains("none.yaml"))
        let absent = try Command.weir("run", "-c", folder.path("weir.yaml"), "--", folder.path("none"))
        #expect(absent.status == 127)
        #expect(absent.errors.contains("cannot run \(folder.path("none")): No such file or directory"))
        let unfit = try Command.weir("run", "-c", folder.path("weir.yaml"), "--", folder.path("weir.yaml"))
        #expect(unfit.status == 126)
        try folder.write([], to: "file")
        try write("sinks:\n  file: {exporter: file, settings: {directory: \(folder.path("file"))}}\n")
        let directory = try Command.weir("run", "-c", folder.path("weir.yaml"))
        #expect(directory.status == 69)
        #expect(directory.errors.contains(folder.path("file")))
        try write("intervall: 1s\n")
        let wrong = try Command.weir("run", "-c", folder.path("weir.yaml"))
        #expect(wrong.status == 78)
        #expect(wrong.errors.contains("intervall"))
        #expect(try Command.weir("run", "--deadline", "soon").status == 64)
        // The streams that had begun have ended in order.
        try expectWholeStreams()
    }
}
