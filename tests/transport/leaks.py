"""Looks for secrets wherever a crash report, a log or a debugger would show them.

    secrets = Secrets()
    store.login(secrets.new(), secrets.new())
    ...
    assert leaks(secrets, error=failure, log=records) == []

An exception is searched with all that caused it, and with the local variables of every frame that
it passed, as `repr` shows them and as rich does, which looks into containers and attrs classes. The
frames of tests are left out: a test has to hold the secrets that it plants.
"""

from __future__ import annotations

import base64
import json
import logging
import pickle
import secrets as randomness
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.pretty import traverse
from zustax.transport import RequestError
from zustax.transport.testing import IssuedTokens, TokenAuthority

from ..support.server import USERS

_TESTS = Path(__file__).parents[1]

#: Where something is shown, and what is shown there.
View = tuple[str, str]


class Secrets:
    """Texts that nobody may see. They are random, so that they are nowhere by accident."""

    def __init__(self) -> None:
        self._values: list[str] = []

    def new(self) -> str:
        """One more secret."""
        return self.note(randomness.token_hex(16))

    def note(self, value: str) -> str:
        """Look for ``value``, too, and give it back."""
        self._values.append(value)
        return value

    def note_basic(self, username: str, password: str) -> None:
        """Look for the credentials of basic authentication, as they are sent."""
        self.note(base64.b64encode(f"{username}:{password}".encode()).decode())

    def are_in(self, text: str) -> bool:
        """Whether ``text`` shows one of them."""
        return any(value in text for value in self._values)


class NotingAuthority(TokenAuthority):
    """Issues tokens, and notes each of them as a secret."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(users=USERS, access_token_factory=lambda _claims: secrets.new())
        self._secrets = secrets

    def login(self, username: str, password: str) -> IssuedTokens:
        return self._noted(super().login(username, password))

    def refresh(self, refresh_token: str) -> IssuedTokens:
        return self._noted(super().refresh(refresh_token))

    def _noted(self, tokens: IssuedTokens) -> IssuedTokens:
        self._secrets.note(tokens.refresh_token)
        return tokens


class LogRecorder(logging.Handler):
    """Keeps every record that is logged inside its block, whatever its level.

    Those of the HTTP client are left out: it logs URLs as they are, and headers of answers.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []
        self.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> list[logging.LogRecord]:
        root = logging.getLogger()
        self._level_before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self.records

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level_before)


def leaks(secrets: Secrets, **things: Any) -> list[str]:
    """The places in ``things`` where one of the secrets is shown.

    Args:
        secrets: What to look for.
        **things: Exceptions, log records, any other objects, and lists of these, by name.
    """
    found = (
        f"{name}: {place}"
        for name, thing in things.items()
        for place, text in _views(thing)
        if secrets.are_in(text)
    )
    return list(dict.fromkeys(found))


def _views(thing: Any) -> Iterator[View]:
    if isinstance(thing, list):
        for item in thing:
            yield from _views(item)
    elif isinstance(thing, BaseException):
        yield from _of_exception(thing, thing.__traceback__)
    elif isinstance(thing, logging.LogRecord):
        yield from _of_record(thing)
    else:
        yield from _of_value(type(thing).__name__, thing)


def _of_value(place: str, value: Any) -> Iterator[View]:
    try:
        yield f"{place} by repr", repr(value)
        yield f"{place} by rich", str(traverse(value))
    except Exception as error:
        raise AssertionError(f"{place} cannot be printed, which ends a crash report") from error


def _of_record(record: logging.LogRecord) -> Iterator[View]:
    yield "message", record.getMessage()
    yield from _of_value("arguments", record.args)
    if record.exc_info and record.exc_info[1]:
        yield from _of_exception(record.exc_info[1], record.exc_info[2])


def _of_exception(error: BaseException, passed: TracebackType | None) -> Iterator[View]:
    yield "traceback", "".join(traceback.format_exception(type(error), error, passed))
    yield from _locals(passed)
    for one in _with_causes(error):
        name = type(one).__name__
        yield f"text of {name}", str(one)
        yield from _of_value(name, one)
        yield from _of_value(f"arguments of {name}", one.args)
        if isinstance(one, RequestError):
            yield from _of_value(f"config of {name}", one.config)
            yield from _of_value(f"response of {name}", one.response)
            yield f"{name} as JSON", json.dumps(one.to_json())
            yield f"{name} pickled", pickle.dumps(one).decode("latin-1")
        if one is not error:
            yield from _locals(one.__traceback__)


def _with_causes(error: BaseException) -> Iterable[BaseException]:
    """The exception and all behind it, also what ``from None`` hides."""
    found: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            pending += (one.__cause__, one.__context__)
            pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return found.values()


def _locals(passed: TracebackType | None) -> Iterator[View]:
    for frame, _line in traceback.walk_tb(passed):
        if Path(frame.f_code.co_filename).is_relative_to(_TESTS):
            continue
        for name, value in frame.f_locals.items():
            where = f"{name} in {frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            yield from _of_value(where, value)
