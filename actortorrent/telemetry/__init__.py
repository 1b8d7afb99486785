"""The door to tracing backends: the spans of a trace go to an OpenTelemetry collector.

What the spans are, `tracing/exports/spans.py` says. OpenTelemetry's own exporter sends them,
over HTTP as OTLP; it is the extra `actortorrent[otel]`, imported only when it is used.
"""
