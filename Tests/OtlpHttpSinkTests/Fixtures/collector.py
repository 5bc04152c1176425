"""A collector that reads OTLP with OpenTelemetry's own classes and writes each request to a file, a line each.

    collector.py PORT FILE [--reject N [--because TEXT]] [--certificate PEM --key PEM [--clients PEM]]

A point is written as text whose parts are sorted; doubles as their bits, so that nothing is rounded.
"""

import argparse
import gzip
import http.server
import json
import ssl
import struct

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service


def double(value):
    return struct.pack(">d", value).hex()


def attributes(pairs):
    return ",".join(f"{pair.key}={pair.value.string_value}" for pair in pairs)


def number(point):
    return f"i{point.as_int}" if point.WhichOneof("value") == "as_int" else f"d{double(point.as_double)}"


def extremes(point):
    return f" {double(point.min)}...{double(point.max)}" if point.HasField("min") and point.HasField("max") else ""


def numbers(values):
    return "[" + ",".join(str(value) for value in values) + "]"


def exemplars(point):
    """Nothing where there is none."""
    return "".join(
        f" exemplar {double(found.as_double)} at {found.time_unix_nano} trace {found.trace_id.hex()} "
        f"span {found.span_id.hex()} {{{attributes(found.filtered_attributes)}}}"
        for found in point.exemplars
    )


def points(metric):
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    head = f"{metric.name} {metric.unit} {kind}"
    if kind != "gauge":
        head += " delta" if data.aggregation_temporality == 1 else " cumulative"
    if kind == "sum" and data.is_monotonic:
        head += " monotonic"
    for point in data.data_points:
        text = f"{head} {{{attributes(point.attributes)}}} {point.start_time_unix_nano}-{point.time_unix_nano}"
        if point.flags & 1:
            yield text + " ended"
        elif kind in ("sum", "gauge"):
            yield f"{text} {number(point)}{exemplars(point)}"
        elif kind == "histogram":
            bounds = ",".join(double(bound) for bound in point.explicit_bounds)
            counts = f"{text} {point.count} {double(point.sum)} {numbers(point.bucket_counts)}"
            yield f"{counts} [{bounds}]{extremes(point)}{exemplars(point)}"
        else:
            positive = f"{point.positive.offset}{numbers(point.positive.bucket_counts)}"
            negative = f"{point.negative.offset}{numbers(point.negative.bucket_counts)}"
            yield (
                f"{text} {point.count} {double(point.sum)} scale {point.scale} zero {point.zero_count} "
                f"{positive} {negative}{extremes(point)}{exemplars(point)}"
            )


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding", "")
        raw = gzip.decompress(body) if encoding == "gzip" else body
        request = service.ExportMetricsServiceRequest.FromString(raw)
        found = []
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found += points(metric)
        line = {
            "path": self.path,
            "encoding": encoding,
            "authorization": self.headers.get("Authorization", ""),
            "tenant": self.headers.get("X-Tenant", ""),
            "bytes": len(raw),
            "resource": attributes(request.resource_metrics[0].resource.attributes),
            "scope": request.resource_metrics[0].scope_metrics[0].scope.name,
            "points": sorted(found),
            "order": found,
        }
        with open(options.file, "a") as file:
            file.write(json.dumps(line) + "\n")
        answer = service.ExportMetricsServiceResponse()
        if options.reject:
            answer.partial_success.rejected_data_points = options.reject
            answer.partial_success.error_message = options.because
        content = answer.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("file")
parser.add_argument("--reject", type=int, default=0)
parser.add_argument("--because", default="no room for them")
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--clients", help="an authority: only clients that it vouches for are served")
options = parser.parse_args()
server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    if options.clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.clients)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
