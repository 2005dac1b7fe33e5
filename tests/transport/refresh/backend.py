"""Backends that speak otherwise than the server of the tests does, with its tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.transport.testing import Answer, AuthorityError, IssuedTokens, SeenRequest

from ...support.server import REFRESH, AuthServer


def look_for_token(
    server: AuthServer, token_of: Callable[[SeenRequest], str | None], path: str = "/items"
) -> None:
    """Have requests for ``path`` bring the access token where ``token_of`` looks for it."""

    def answer(seen: SeenRequest) -> Answer:
        try:
            claims = server.authority.verify(token_of(seen) or "")
        except AuthorityError:
            return Answer(401, {"error": "invalid_token"})
        return Answer(body={"user": claims.username})

    server.behave(path, answer)


def refresh_at(
    server: AuthServer,
    path: str = REFRESH,
    *,
    asked: Callable[[SeenRequest], str] = lambda seen: seen.json()["refresh_token"],
    told: Callable[[IssuedTokens], Answer],
) -> None:
    """Have ``path`` rotate the refresh token that ``asked`` finds, and say so as ``told`` does."""

    def answer(seen: SeenRequest) -> Answer:
        try:
            tokens = server.authority.refresh(asked(seen))
        except (AuthorityError, KeyError, TypeError):
            return Answer(401, {"message": "expired"})
        return told(tokens)

    server.behave(path, answer)


def always(status: int, body: Any = b"", **headers: str) -> Callable[[SeenRequest], Answer]:
    """Return a behaviour that gives one answer; ``content_type`` is the header Content-Type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(status, body, named)
    return lambda _seen: answer
