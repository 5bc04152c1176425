import Testing

@testable import PrometheusSink

@Suite("What a client asks for")
struct NegotiationTests {
    @Test(
        "the format is the one that is wanted most",
        arguments: [
            ([], Format.text),
            (["*/*"], .text),
            (["application/openmetrics-text;version=1.0.0"], .openMetrics),
            (["application/openmetrics-text"], .openMetrics),
            (["text/plain"], .text),
            (["text/plain; version=0.0.4; charset=utf-8"], .text),
            // What Prometheus sends, old and new.
            (
                [
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                        + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
                ], .openMetrics
            ),
            (
                [
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
                        + "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6, text/plain;q=0.5"
                ], .openMetrics
            ),
            (["text/plain;q=0.9, application/openmetrics-text;q=0.8"], .text),
            (["text/plain;q=0.5", "application/openmetrics-text;q=0.8"], .openMetrics),
            (["text/plain, application/openmetrics-text"], .openMetrics),
            (["application/openmetrics-text;q=0"], .text),
            (["application/openmetrics-text;version=2.0.0"], .text),
            (["application/openmetrics-text;q=9"], .text),
            (["application/json"], .text),
            ([";;,,;q=,=;,\"", ""], .text),
        ])
    func format(accept: [String], format: Format) {
        #expect(Negotiation(accept: accept, acceptEncoding: []).format == format)
    }

    @Test(
        "the encoding is one that is named, zstd before gzip",
        arguments: [
            ([], Negotiation.Encoding.identity), (["*"], .identity), (["gzip"], .gzip), (["GZIP"], .gzip),
            (["zstd"], .zstd), (["gzip, deflate, br, zstd"], .zstd), (["gzip;q=1, zstd;q=0.5"], .gzip),
            (["gzip;q=0"], .identity), (["gzip;q=0, zstd;q=0"], .identity), (["identity"], .identity),
            (["identity;q=1, gzip;q=0.5"], .identity), (["identity;q=0.5", "gzip"], .gzip), (["br"], .identity),
            (["gzip;q=x"], .identity),
        ])
    func encoding(accept: [String], encoding: Negotiation.Encoding) {
        #expect(Negotiation(accept: [], acceptEncoding: accept).encoding == encoding)
    }

    @Test(
        "an address is a host and a port",
        arguments: [
            ("127.0.0.1:9464", "127.0.0.1:9464"), ("[::1]:80", "[::1]:80"), ("localhost:0", "localhost:0"),
            ("::1:80", nil), (":80", nil), ("a:65536", nil), ("a", nil), ("a:", nil), ("[]:1", nil), ("a b:1", nil),
        ])
    func address(text: String, expected: String?) {
        #expect(ListenAddress(text)?.description == expected)
    }
}
