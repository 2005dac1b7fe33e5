"""An authority that issues double tokens, in memory.

    authority = TokenAuthority(users={"ada": "lovelace"}, access_ttl=60.0)
    tokens = authority.login("ada", "lovelace")
    authority.verify(tokens.access_token).username  # "ada"
    tokens = authority.refresh(tokens.refresh_token)
    authority.journal.count("refresh")  # 1

It knows no HTTP: `MisbehavingServer` serves one; behind a server of your choice, answer with what
its errors say.

    AuthorityError          a credential was refused, with `reason`, `code` and `status`
    ├── InvalidGrantError   at login or refresh (RFC 6749, section 5.2)
    └── InvalidTokenError   an access token, at a resource (RFC 6750, section 3.1)

Not for production: tokens live in memory and are never forgotten, passwords are kept as they are.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Literal, TypeAlias, get_args

import attrs

#: Why a credential was refused.
Reason: TypeAlias = Literal["wrong_credentials", "unknown", "expired", "revoked", "reused"]

#: What a journal notes: a session began (``login``), went on (``refresh``), was ended by its user
#: (``logout``) or by the authority (``revoked``); a refresh token came back after it had been
#: rotated (``reuse``); an access token had expired (``access_expired``); any other credential was
#: refused (``rejected``).
Event: TypeAlias = Literal[
    "login", "refresh", "logout", "revoked", "reuse", "access_expired", "rejected"
]

_EXPLANATIONS: Mapping[Reason, str] = {
    "wrong_credentials": "the user name or the password is wrong",
    "unknown": "the token was not issued by this authority",
    "expired": "the token has expired",
    "revoked": "the session of the token has ended; log in again",
    "reused": "the refresh token was used before, so its session has been revoked; log in again",
}


class AuthorityError(Exception):
    """A credential was refused. The text says why, and never shows the credential.

    Args:
        reason: Why, for programs.

    Attributes:
        code: The ``error`` that belongs into the body or the challenge of the answer.
        status: The HTTP status that suits the answer.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 401

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason

    def __str__(self) -> str:
        return _EXPLANATIONS[self.reason]


class InvalidGrantError(AuthorityError):
    """A login or a refresh was refused (``invalid_grant`` of RFC 6749, section 5.2).

    The RFC answers with 400. The status here is 401, which many APIs answer, and which asks more of
    a client: a refresh that is refused must not set off another one.
    """

    code = "invalid_grant"


class InvalidTokenError(AuthorityError):
    """An access token was refused (``invalid_token`` of RFC 6750, section 3.1)."""

    code = "invalid_token"


def _masked(_secret: str) -> str:
    return "'***'"


@attrs.frozen
class IssuedTokens:
    """The answer to a login or a refresh; its repr shows no token.

    Args:
        access_token: What opens the protected resources.
        refresh_token: What a refresh takes.
        expires_in: Seconds from now until the access token expires.
    """

    access_token: str = attrs.field(repr=_masked)
    refresh_token: str = attrs.field(repr=_masked)
    expires_in: float

    def as_dict(self) -> dict[str, str | float]:
        """Give the body of a token response (RFC 6749, section 5.1), ready for JSON."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": self.expires_in,
        }


@attrs.frozen
class Claims:
    """What an access token stands for.

    Args:
        username: Who logged in.
        family: The number of the login that the token descends from, counted from 1.
        number: The number of the login or refresh that issued the token, counted from 1 over all
            families. No two access tokens share it.
        issued_at: Epoch seconds.
        expires_at: Epoch seconds; from this moment on the token is refused.
    """

    username: str
    family: int
    number: int
    issued_at: float
    expires_at: float


@attrs.frozen
class JournalEntry:
    """One thing that happened at an authority.

    Args:
        time: When, in epoch seconds of the authority's clock.
        event: What.
        user: Whose session or login it was, ``None`` if it is not known.
        family: The login that the session began with, ``None`` if there is none.
        number: The token that it was about (`Claims.number`): for ``login`` and ``refresh`` the
            new one, for a refusal the one that was shown; else ``None``.
    """

    time: float
    event: Event
    user: str | None = None
    family: int | None = None
    number: int | None = None


@attrs.frozen
class Journal:
    """What had happened at an authority when it was asked, oldest first.

    Args:
        entries: All of it.
    """

    entries: tuple[JournalEntry, ...]

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def count(self, event: Event) -> int:
        """Count how often something happened.

        Args:
            event: One of `Event`.

        Raises:
            ValueError: If there is no such event: it would be counted as 0 for ever.
        """
        if event not in get_args(Event):
            raise ValueError(
                f"there is no event {event!r}; choose from {', '.join(get_args(Event))}"
            )
        return sum(entry.event == event for entry in self.entries)


@attrs.define
class _RefreshToken:
    token: str = attrs.field(repr=_masked)
    claims: Claims
    rotated: bool = False


def _random_token(_claims: Claims) -> str:
    return secrets.token_urlsafe(32)


class TokenAuthority:
    """Issues, rotates and revokes pairs of access and refresh token; safe to use from any thread.

    With rotation, a refresh token is good for one refresh. One that comes back a second time is
    known to two parties, so all tokens of its family are revoked (RFC 9700, section 4.14.2).
    A refresh leaves the access tokens alone that were issued before: each lives out its time.

    Args:
        users: Passwords by user name.
        access_ttl: Seconds that an access token lives; with 0 it is born expired.
        refresh_ttl: Seconds that a refresh token lives.
        rotate: Whether a refresh gives a new refresh token, with a new time to live. If not, the
            refresh token stays the same until it expires.
        clock: Gives the time in epoch seconds.
        access_token_factory: Makes an access token, a different one for each `Claims.number`; by
            default random text that means nothing. Refresh tokens are always random.

    Raises:
        ValueError: If a time to live is not a finite number of seconds from 0 up.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str],
        access_ttl: float = 300.0,
        refresh_ttl: float = 86_400.0,
        rotate: bool = True,
        clock: Callable[[], float] = time.time,
        access_token_factory: Callable[[Claims], str] = _random_token,
    ) -> None:
        _require_seconds("access_ttl", access_ttl)
        _require_seconds("refresh_ttl", refresh_ttl)
        self._users = dict(users)
        self._access_ttl = access_ttl
        self._refresh_ttl = refresh_ttl
        self._rotate = rotate
        self._clock = clock
        self._access_token_factory = access_token_factory
        # Re-entrant, so that the clock and the factory may ask the authority something.
        self._lock = threading.RLock()
        self._last_family = 0
        self._last_number = 0
        #: Who is logged in, by the number of the family.
        self._sessions: dict[int, str] = {}
        self._access_tokens: dict[str, Claims] = {}
        self._refresh_tokens: dict[str, _RefreshToken] = {}
        self._last_expired = 0
        self._entries: list[JournalEntry] = []

    # A crash report prints the local variables of each frame that an exception passed. So below,
    # tokens and passwords are deleted before anything is raised.

    @property
    def journal(self) -> Journal:
        """What has happened so far. No entry holds a token or a password."""
        with self._lock:
            return Journal(tuple(self._entries))

    def login(self, username: str, password: str) -> IssuedTokens:
        """Begin a session, and with it a new family of tokens.

        Args:
            username: One of ``users``.
            password: The user's password.

        Raises:
            InvalidGrantError: If the user is unknown or the password is wrong; the error does not
                say which.
        """
        with self._lock:
            is_user = username in self._users
            is_accepted = is_user and self._users[username] == password
            del password
            if not is_accepted:
                self._record("rejected", user=username if is_user else None)
                raise InvalidGrantError("wrong_credentials")
            self._last_family += 1
            self._sessions[self._last_family] = username
            return self._issue("login", self._last_family)

    def refresh(self, refresh_token: str) -> IssuedTokens:
        """Renew a session.

        Args:
            refresh_token: The one that the last login or refresh gave.

        Raises:
            InvalidGrantError: If the token is ``"unknown"``; if it was ``"reused"``, which revokes
                its family; if its session had ended before (``"revoked"``); if it has
                ``"expired"``.
        """
        with self._lock:
            shown = self._refresh_tokens.get(refresh_token)
            del refresh_token
            if shown is None:
                self._record("rejected")
                raise InvalidGrantError("unknown")
            if shown.rotated:
                self._record_about(shown.claims, "reuse")
                self._end(shown.claims.family, "revoked")
                raise InvalidGrantError("reused")
            if shown.claims.family not in self._sessions:
                self._record_about(shown.claims, "rejected")
                raise InvalidGrantError("revoked")
            if self._clock() >= shown.claims.expires_at:
                self._record_about(shown.claims, "rejected")
                raise InvalidGrantError("expired")
            tokens = self._issue(
                "refresh", shown.claims.family, kept=None if self._rotate else shown
            )
            shown.rotated = self._rotate
            return tokens

    def verify(self, access_token: str) -> Claims:
        """Return what an access token stands for.

        Args:
            access_token: The one that a request carried.

        Raises:
            InvalidTokenError: If the token is ``"unknown"``, its session has ended
                (``"revoked"``), or it has ``"expired"``.
        """
        with self._lock:
            claims = self._access_tokens.get(access_token)
            del access_token
            if claims is None:
                self._record("rejected")
                raise InvalidTokenError("unknown")
            if claims.family not in self._sessions:
                self._record_about(claims, "rejected")
                raise InvalidTokenError("revoked")
            if claims.number <= self._last_expired or self._clock() >= claims.expires_at:
                self._record_about(claims, "access_expired")
                raise InvalidTokenError("expired")
            return claims

    def logout(self, token: str) -> None:
        """End a session: every token of its family is refused from now on.

        Args:
            token: An access or refresh token of the session, dead or alive. For an unknown one
                nothing happens: what the caller wants is so already (RFC 7009, section 2.2).
        """
        with self._lock:
            refresh_token = self._refresh_tokens.get(token)
            claims = refresh_token.claims if refresh_token else self._access_tokens.get(token)
            if claims is not None:
                self._end(claims.family, "logout")

    def revoke_session(self, username: str) -> None:
        """End all sessions of a user, as an administrator would.

        Args:
            username: One of ``users``.

        Raises:
            ValueError: If there is no such user.
        """
        if username not in self._users:
            raise ValueError(f"there is no user {username!r}; choose from {', '.join(self._users)}")
        with self._lock:
            for family, user in list(self._sessions.items()):
                if user == username:
                    self._end(family, "revoked")

    def revoke_all(self) -> None:
        """End all sessions of all users."""
        with self._lock:
            for family in list(self._sessions):
                self._end(family, "revoked")

    def expire_access_tokens(self) -> None:
        """Let every access token expire that was issued so far, so that no test has to wait."""
        with self._lock:
            self._last_expired = self._last_number

    def _issue(self, event: Event, family: int, kept: _RefreshToken | None = None) -> IssuedTokens:
        self._last_number += 1
        claims = self._claims(family, self._access_ttl)
        access_token = self._new_access_token(claims)
        refresh_token = kept or self._new_refresh_token(self._claims(family, self._refresh_ttl))
        self._record_about(claims, event)
        return IssuedTokens(access_token, refresh_token.token, self._access_ttl)

    def _claims(self, family: int, ttl: float) -> Claims:
        now = self._clock()
        return Claims(self._sessions[family], family, self._last_number, now, now + ttl)

    def _new_access_token(self, claims: Claims) -> str:
        token = self._access_token_factory(claims)
        if token in self._access_tokens:
            del token
            raise ValueError(
                "access_token_factory made a token that it had made before; "
                "let claims.number be part of it"
            )
        self._access_tokens[token] = claims
        return token

    def _new_refresh_token(self, claims: Claims) -> _RefreshToken:
        refresh_token = _RefreshToken(secrets.token_urlsafe(32), claims)
        self._refresh_tokens[refresh_token.token] = refresh_token
        return refresh_token

    def _end(self, family: int, event: Event) -> None:
        user = self._sessions.pop(family, None)
        if user is not None:
            self._record(event, user=user, family=family)

    def _record_about(self, claims: Claims, event: Event) -> None:
        self._record(event, user=claims.username, family=claims.family, number=claims.number)

    def _record(
        self,
        event: Event,
        *,
        user: str | None = None,
        family: int | None = None,
        number: int | None = None,
    ) -> None:
        self._entries.append(JournalEntry(self._clock(), event, user, family, number))


def _require_seconds(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number of seconds from 0 up, not {value!r}")
