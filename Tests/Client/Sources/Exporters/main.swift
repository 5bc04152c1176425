import GraphiteSink
import NatsSink
import OtlpHttpSink
import PrometheusSink
import RemoteWriteSink
import StatsdSink
import Weir

/// Every exporter that an application may link.
let linked = [
    GraphiteSink.plugin, NatsSink.plugin, OtlpHttpSink.plugin, PrometheusSink.plugin, RemoteWriteSink.plugin,
    StatsdSink.plugin,
]
for plugin in linked { print(Sink(plugin, name: "linked", settings: [:]).name) }
