import GraphiteSink
import NatsSink
import OtlpHttpSink
import PrometheusSink
import RemoteWriteSink
import S3Sink
import StatsdSink
import Weir

/// Every exporter that an application may link.
let linked = [
    GraphiteSink.plugin, NatsSink.plugin, OtlpHttpSink.plugin, PrometheusSink.plugin, RemoteWriteSink.plugin,
    S3Sink.plugin, StatsdSink.plugin,
]
for plugin in linked { print(Sink(plugin, name: "linked", settings: [:]).name) }
