"""Tokens that say whose they are, so that every process can tell what it was given."""

from __future__ import annotations

import secrets

from zustax.transport.testing import Claims

_MARK = "chaos-token"


def new_access_token(claims: Claims) -> str:
    """An access token in which its session can be read."""
    return f"{_MARK}.{claims.username}-{claims.family}.{claims.number}.{secrets.token_urlsafe(8)}"


def session_of(access_token: str | None) -> str:
    """The session of an access token, by the name of its user; ``"nobody"`` of none."""
    return access_token.split(".")[1] if access_token else "nobody"


def shows_token(text: str) -> bool:
    """Whether an access token is part of a text."""
    return _MARK in text
