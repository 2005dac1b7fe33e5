"""A trace as a Mermaid diagram: exactly this text, and nothing in it that Mermaid would misread."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from zustax.transport import RequestError, TraceEvent, TraceHandler, record
from zustax.transport.trace.mermaid import to_mermaid

from ...support.app import App
from ...support.server import AuthServer
from ..conftest import only_async

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "trace.md"
FLAGS = re.MULTILINE | re.DOTALL

GOLDEN = Path(__file__).with_name("refresh.mmd")

#: Every line of a diagram has one of these forms, whatever is shown in it.
LINE = re.compile(
    r"sequenceDiagram"
    r"|    participant \w+"
    r"|    (\w+(->>|-->>|-x|--x)\w+|Note over \w+): (?P<text>([^#;\n]|#\d+;)+)"
)


def add_language(config: Any) -> Any:
    return config


def unwrap(response: Any) -> Any:
    return response.data


def forgive_missing(error: Exception) -> Any:
    if isinstance(error, RequestError) and error.status == 404:
        return None
    raise error


@only_async
def test_a_refresh_and_a_recovery_as_a_diagram(app: App, server: AuthServer) -> None:
    server.answer("/missing", status=404)
    app.api.interceptors.request.use(add_language)
    app.api.interceptors.response.use(unwrap, forgive_missing)
    server.expire()
    with record(app.api) as trace:
        app.get("/items?page=2").result()
        app.get("/missing").result()
    assert trace.to_mermaid() == GOLDEN.read_text(encoding="utf-8")


def test_the_diagram_that_the_documentation_draws_is_the_one_that_it_prints() -> None:
    page = DOCUMENTATION.read_text(encoding="utf-8")
    printed, drawn = re.findall(r"^```(?:text|mermaid)\n(sequenceDiagram\n.*?)^```", page, FLAGS)
    assert printed == drawn


def test_an_empty_trace_is_a_diagram_without_lines() -> None:
    assert to_mermaid([]).split() == [
        "sequenceDiagram",
        *("participant", "Caller", "participant", "Interceptors", "participant", "Server"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "end",
        "end\nend",
        "a;b",
        "#35;",
        "# not an entity",
        "<b>bold</b> & more",
        "%%{init: {}}%%",
        "wrap: nothing",
        "$$x^2$$",
        "`code` \\ \"quoted\" 'quoted'",
        "line\u2028separator\r\ttab\x00",
        "Caller->>Server: forged",
        "grüße 你好",
        "x" * 1000,
    ],
)
def test_whatever_is_shown_is_text(text: str) -> None:
    handler = TraceHandler("request", 0, text, "rejected")
    diagram = to_mermaid(
        [
            TraceEvent(time=0.0, kind="started", call=1, method=text, url=f"http://host/{text}"),
            TraceEvent(time=0.0, kind="entered", call=1, handler=handler),
            TraceEvent(time=0.0, kind="left", call=1, handler=handler, outcome="recovered"),
            TraceEvent(time=0.0, kind="redirected", call=1, url=text),
            TraceEvent(time=0.0, kind="failed", call=1, problem=text),
        ]
    )
    lines = diagram.splitlines()
    assert len(lines) == 1 + 3 + 5
    for line in lines:
        assert LINE.fullmatch(line), line


def test_what_is_escaped_is_shown_as_it_was() -> None:
    shown = "a;b #1 <c> & {d} \"e\" 'f' `g` $h$ %i \\j"
    diagram = to_mermaid([TraceEvent(time=0.0, kind="failed", call=1, problem=shown)])
    text = diagram.splitlines()[-1].partition(": ")[2]
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text) == f"(1) {shown}"
