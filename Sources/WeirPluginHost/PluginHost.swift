private import WeirExport

/// `weir-plugin-host`: runs one plugin for the process that started it, and ends when that one does.
///
/// Nobody starts it by hand. Its third descriptor is a socket, by which it is told what to load, to open and to deliver.
@main
enum PluginHost {
    static func main() {
        let descriptor: Int32 = 3
        guard System.isSocket(descriptor) else {
            System.complain("started by a program that exports with Weir, not by hand")
            System.exit(code: 64)
        }
        System.closeDescriptors(above: descriptor)
        PluginServer(Socket(descriptor: descriptor)).serve()
    }
}
