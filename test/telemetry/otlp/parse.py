"""Reads exports as [path, body] from standard input, and parses each strictly: an unknown field or a wrong type raises.

Prints what opentelemetry-proto made of them, a line each."""

import base64
import json
import sys

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


def with_base64(value):
    """OTLP's one departure from protobuf's own JSON: ids are hexadecimal."""
    if isinstance(value, list):
        return [with_base64(each) for each in value]
    if not isinstance(value, dict):
        return value
    ids = {"traceId", "spanId", "parentSpanId"}
    return {
        key: base64.b64encode(bytes.fromhex(each)).decode() if key in ids else with_base64(each)
        for key, each in value.items()
    }


for path, body in json.load(sys.stdin):
    message = Parse(json.dumps(with_base64(json.loads(body))), REQUESTS[path]())
    for resource in getattr(message, "resource_spans", []):
        for span in resource.scope_spans[0].spans:
            assert len(span.trace_id) == 16 and len(span.span_id) == 8, span
            assert len(span.parent_span_id) in (0, 8), span
    print(json.dumps(MessageToDict(message)))
