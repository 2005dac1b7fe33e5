"""OpenTelemetry's instrumentation of httpx makes a span of each request of an instance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ...support.clients import Client
from ...support.server import AuthServer


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is recorded while httpx is instrumented."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    HTTPXClientInstrumentor().uninstrument()
    provider.shutdown()


def test_each_request_has_a_span_and_carries_its_context(
    spans: InMemorySpanExporter, kind: type[Client], server: AuthServer
) -> None:
    server.answer("/items")
    server.answer("/missing", status=404)
    client = kind.create(base_url=server.url, validate_status=None)
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.get("/missing"))
    client.close()

    recorded = [dict(span.attributes or {}) for span in spans.get_finished_spans()]
    assert [span["http.status_code"] for span in recorded] == [200, 404]
    assert [span["http.url"] for span in recorded] == [
        f"{server.url}/items",
        f"{server.url}/missing",
    ]
    assert all("traceparent" in seen.headers for seen in server.seen())


def test_each_attempt_has_a_span_of_its_own(
    spans: InMemorySpanExporter, kind: type[Client], server: AuthServer
) -> None:
    server.redirect("/old", "/items")
    server.answer("/items")
    client = kind.create(base_url=server.url)
    client.call(lambda api: api.get("/old"))
    client.close()
    assert len(spans.get_finished_spans()) == 2
