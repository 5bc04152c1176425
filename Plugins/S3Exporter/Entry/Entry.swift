public import CWeirPlugin
private import S3Sink
private import WeirExporterKit

/// The one symbol of the loadable library: its table, for any host.
@c @implementation
public func weir_plugin_entry(_ host: UnsafePointer<weir_host>) -> UnsafePointer<weir_plugin>? {
    unsafe S3Sink.plugin.table
}
