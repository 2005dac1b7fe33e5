"""Writes the comparison into the README: ``uv run python -m tests.comparison.table``.

The columns of the others are figures that were measured once, with the versions that the README
names; the column of zustax is measured now.
"""

from __future__ import annotations

from pathlib import Path

from ..support.app import App
from ..support.clients import AsyncClient
from ..support.server import AuthServer
from .scenarios import SCENARIOS, Scenario

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- comparison -->\n", "<!-- /comparison -->\n"

HEADINGS = ("", "original, its typos fixed", "axios-auth-refresh", "Authlib", "**zustax**")

#: What the others do, by scenario: the original, axios-auth-refresh, Authlib.
OTHERS: dict[str, tuple[str, str, str]] = {
    "1 expired request": ("ok; 1 refresh", "ok; 1 refresh", "ok; 1 refresh"),
    "10 concurrent expired requests": (
        "10 × ok; 1 refresh",
        "1 × ok, 9 × error 401; 1 refresh",
        "10 × ok; 1 refresh",
    ),
    "refresh rejected (403), 5 waiting": (
        "1 × error 403 of the refresh call, 4 × **hangs**; to /login",
        "1 × error 403 of the refresh call, 4 × error 401; 1 refresh",
        "5 × error OAuthError; **5 refreshes**",
    ),
    "the refresh call's own 401, 1 request": (
        "**hangs**",
        "error 401 of the refresh call; 1 refresh",
        "error OAuthError; 1 refresh",
    ),
    "refresh: connection dropped, 5 waiting": (
        "1 × error ECONNRESET, 4 × **hangs**; **logs out wrongly**",
        "1 × error ECONNRESET, 4 × error 401; next request: ok",
        "1 × error RemoteProtocolError, 4 × ok; 2 refreshes; next request: ok",
    ),
    "refresh answers 503, 1 request": (
        "error 503 of the refresh call; **logs out wrongly**",
        "error 503 of the refresh call; next request: ok",
        "error HTTPStatusError; next request: ok",
    ),
    "late 401 (arrives after the refresh)": (
        "2 × ok; **2 refreshes**",
        "2 × ok; **2 refreshes**",
        "answer 401; 0 refreshes",
    ),
    "no refresh token, 5 requests": (
        "5 × error 401; 0 refreshes",
        "5 × error Error; 0 refreshes",
        "5 × error InvalidTokenError; 0 refreshes",
    ),
    "replays meet 401 again, 5 requests": (
        "5 × error 401; **5 refreshes**, one request sent 6 times",
        "5 × error 401; 1 refresh",
        "5 × answer 401; 0 refreshes",
    ),
    "leader cancelled, 3 others waiting": (
        "3 × ok; 1 refresh; leader: canceled only when the refresh had ended",
        "3 × error 401; 1 refresh; leader: canceled only when the refresh had ended",
        "3 × error OAuthError; **4 refreshes, family revoked**; leader: canceled",
    ),
    "logout during the refresh, 3 waiting": (
        "3 × ok; **logged in again**",
        "1 × ok, 2 × error 401; **logged in again**",
        "3 × ok; **logged in again**",
    ),
    "login as another user during the refresh, 3 waiting": (
        "3 × ok; store holds ada's tokens (**overwritten**)",
        "1 × ok, 2 × error 401; store holds ada's tokens (**overwritten**)",
        "3 × ok; store holds ada's tokens (**overwritten**)",
    ),
    "a request starts during the refresh": (
        "2 × ok; 1 refresh; left with the dead token",
        "2 × ok; 1 refresh; waited",
        "2 × ok; 1 refresh; waited",
    ),
}


def measure(scenario: Scenario) -> str:
    """What zustax does in a scenario, on a server and in a program of its own."""
    with AuthServer() as server, App(server, AsyncClient.create(base_url=server.url)) as app:
        return scenario(app.login())


def measured_table() -> str:
    """The whole table, as it stands in the README."""
    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    for name, scenario in SCENARIOS.items():
        rows.append((name, *OTHERS[name], measure(scenario)))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def shown_table(text: str) -> str:
    """The table in the text of the README."""
    return text.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Measure, and write the table into the README."""
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    README.write_text(f"{head}{BEGIN}{measured_table()}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
