"""Tokens that say whose they are, so that every process can tell what it was given."""

from __future__ import annotations

import secrets

from zustax.transport.testing import Claims

_MARK = "chaos-token"

#: The session of those who hold no token.
NO_SESSION = "no session"


def new_access_token(claims: Claims) -> str:
    """Return an access token in which its session can be read."""
    session = session_name(claims.username, claims.family)
    return f"{_MARK}.{session}.{claims.number}.{secrets.token_urlsafe(8)}"


def session_name(username: str | None, family: int | None) -> str:
    """Return the name of a session: its user, and the number of the login."""
    return f"{username}-{family}"


def session_of(access_token: str | None) -> str:
    """Return the session of an access token."""
    return access_token.split(".")[1] if access_token else NO_SESSION


def shows_token(text: str) -> bool:
    """Return True if an access token is part of a text."""
    return _MARK in text
