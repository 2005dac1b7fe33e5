"""A trace as text, plain and with rich."""

from __future__ import annotations

import io
import subprocess
import sys

from rich.console import Console
from zustax.transport import record

from ...support.clients import Client
from ...support.server import AuthServer


def test_a_line_has_the_time_the_call_and_what_happened(client: Client, server: AuthServer) -> None:
    server.answer("/open")
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    lines = [line.split(maxsplit=3) for line in str(trace).splitlines()]
    assert [(unit, call, text) for _, unit, call, text in lines] == [
        ("ms", "1", f"started GET {server.url}/open"),
        ("ms", "1", f"sent GET {server.url}/open"),
        ("ms", "1", "received 200"),
        ("ms", "1", "ended: fulfilled 200"),
    ]
    times = [float(time) for time, *_ in lines]
    assert times == sorted(times)


def test_rich_shows_the_same_in_a_table(client: Client, server: AuthServer) -> None:
    server.answer("/open", status=404)
    with record(client.api, limit=3) as trace:
        client.start(lambda api: api.get("/open")).error()
    output = io.StringIO()
    Console(file=output, width=100, force_terminal=True, color_system="standard").print(trace)
    for text in ("what happened", "received 404", "rejected ERR_BAD_REQUEST 404"):
        assert text in output.getvalue()
    assert "1 earlier events were dropped" in output.getvalue()
    assert "\x1b[31mreceived 404" in output.getvalue()


def test_text_in_brackets_is_no_markup_for_rich(client: Client, server: AuthServer) -> None:
    server.answer("/[red]")
    with record(client.api) as trace:
        client.call(lambda api: api.get("/[red]?q=[/red]"))
    output = io.StringIO()
    Console(file=output, width=200).print(trace)
    assert "/[red]?q=[REDACTED ****]" in output.getvalue()


def test_rich_is_not_needed() -> None:
    program = """
import sys
from zustax.transport import create_sync, record
sys.modules["rich"] = None
with create_sync(base_url="http://host", adapter=lambda config: 1 / 0) as api:
    with record(api) as trace:
        try:
            api.get("/")
        except ZeroDivisionError:
            print(trace)
"""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "failed ZeroDivisionError" in ended.stdout
