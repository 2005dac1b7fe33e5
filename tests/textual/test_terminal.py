"""The example app in a real terminal."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Terminal

SCRIPT = Path(__file__).parents[2] / "examples" / "tui" / "main.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with tempfile.TemporaryDirectory() as directory:
        terminal = Terminal(
            Path(directory), sys.executable, "-W", "error", str(SCRIPT), "--access-ttl", "300"
        )
        yield terminal
        terminal.close()


def test_it_is_used_by_keyboard_from_the_login_to_the_end(terminal: Terminal) -> None:
    terminal.wait_for("Log in", "no user is logged in")
    terminal.press("wrong", "Enter")
    terminal.wait_for("Wrong user name or password.")
    terminal.press("lovelace", "Enter")
    terminal.wait_for("access token", "logged in", "Press E first")
    terminal.wait_for("pencil, paper", "Sales, Stock", "1842, 1843")
    terminal.press("e", "s")
    terminal.wait_for("50 sent, 50 ok", "50 × 401, 1 refresh, 50 replayed", "token was renewed")
    terminal.press("F12")
    terminal.wait_for("waiting for a refresh", "/api/items", "fulfilled 200")
    terminal.press("2")
    terminal.wait_for("refresh_token", "REDACTED", "the beginning")
    terminal.resize(120, 40)
    terminal.press("Escape")
    terminal.wait_for("Resources", "Journal")
    terminal.press("r", "l")
    terminal.wait_for("Log in again")
    terminal.press("lovelace", "Enter")
    terminal.wait_for("pencil, paper", "1842, 1843")
    terminal.press("q")
    terminal.wait_for("ended with 0")
    assert "Traceback" not in terminal.shown()
