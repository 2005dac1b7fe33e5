"""Headers of a request: a mutable mapping that ignores case, with axios's sets for defaults.

Example:
    >>> headers = Headers({"X-App": "demo", "common": {"Accept": "text/plain"}})
    >>> headers["x-app"]
    'demo'
    >>> headers.for_method("get")
    Headers({'Accept': 'text/plain', 'X-App': 'demo'})

"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from .errors import RequestError
from .params import encoded
from .redaction import REDACTED, SECRET_HEADERS

#: Under these names defaults keep headers for one method (axios: ``defaults.headers.get``).
METHODS = ("delete", "get", "head", "options", "post", "put", "patch", "query")
#: The same, and the name of those for every method.
SETS = frozenset(("common", *METHODS))

_TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~") | frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)
_NOT_IN_VALUES = dict.fromkeys((*range(9), *range(10, 32), 127))


class Headers(MutableMapping[str, Any]):
    """Case-insensitive headers of a request.

    A value is a string, a number, a boolean, or a list of them (sent as one comma-separated field).
    ``None`` and ``False`` are kept, and mean that the header is not sent, not even if a default
    names it. In defaults, ``headers["common"]`` and ``headers["post"]`` (any of `METHODS`) are
    header sets of their own; ``headers.common`` is the former.

    Args:
        headers: A mapping or pairs to start from.

    Raises:
        TypeError: A name is not a string, or there is something that is no pair.
    """

    __slots__ = ("_entries",)

    def __init__(self, headers: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._entries: dict[str, tuple[str, Any]] = {}
        pairs: Any = None
        pair: Any = None
        try:
            if isinstance(headers, Headers):
                self._entries = headers.copy()._entries
                return
            pairs = headers.items() if isinstance(headers, Mapping) else headers
            for pair in pairs:
                if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
                    raise TypeError("headers must be a mapping, or pairs of a name and a value")
                self[pair[0]] = pair[1]
        finally:
            del headers, pairs, pair  # crash reports print locals, and these may be credentials

    def __getitem__(self, name: str) -> Any:
        return self._entries[name.lower()][1]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            del value
            raise TypeError(f"the name of a header must be a str, not {name!r}")
        key = name.lower()
        if key in SETS and isinstance(value, Mapping):
            name, value = key, Headers(value)
        kept = self._entries.get(key)
        self._entries[key] = (kept[0] if kept else name, value)

    def __delitem__(self, name: str) -> None:
        del self._entries[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._entries

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of ``name``, whatever its case, or ``default``."""
        entry = self._entries.get(name.lower())
        return default if entry is None else entry[1]

    @property
    def common(self) -> Headers:
        """The set that is sent with every method."""
        return self.set_for("common")

    def set_for(self, name: str) -> Headers:
        """The header set ``name`` (``"common"`` or a method), made if it is not there yet."""
        existing = self.get(name)
        if not isinstance(existing, Headers):
            existing = Headers()
            self._entries[name] = (name, existing)
        return existing

    def for_method(self, method: str) -> Headers:
        """A copy for one request: `common`, then the set of ``method``, then the rest on top."""
        flat = _of({})
        for name in ("common", method):
            entry = self._entries.get(name)
            if entry is not None and isinstance(entry[1], Headers):
                flat._entries.update(entry[1]._entries)
        for key, entry in self._entries.items():
            is_set = key in SETS and isinstance(entry[1], Headers)
            # As in axios: a default of False stays, whatever a more specific set says.
            if not is_set and flat._entries.get(key, ("", None))[1] is not False:
                flat._entries[key] = entry
        return flat

    def merged(self, other: Mapping[str, Any]) -> Headers:
        """A new set: these headers with ``other`` on top, sets merged with sets."""
        result = self.copy()
        entries = result._entries
        added = other if isinstance(other, Headers) else Headers(other)
        for key, (name, value) in added._entries.items():
            mine = entries.get(key)
            if mine is None:
                entries[key] = (name, value)
            elif isinstance(mine[1], Headers) and isinstance(value, Headers):
                entries[key] = (mine[0], mine[1].merged(value))
            else:
                entries[key] = (mine[0], value)
        return result

    def copy(self) -> Headers:
        """A copy whose changes leave this one alone."""
        entries = self._entries.copy()
        if not SETS.isdisjoint(entries):
            for key in SETS.intersection(entries):
                name, value = entries[key]
                if isinstance(value, Headers):
                    entries[key] = (name, value.copy())
        return _of(entries)

    def to_send(self) -> list[tuple[bytes, bytes]]:
        """Names and values as they go on the wire; what is ``None`` or ``False`` is left out.

        Raises:
            RequestError: ``ERR_BAD_OPTION_VALUE`` for a name that is no header name (RFC 9110,
                section 5.1).
        """
        return [
            (_checked_name(name), _text(value).encode("latin-1", "ignore"))
            for name, value in self._entries.values()
            if value is not None and value is not False and not isinstance(value, Headers)
        ]

    def removed(self) -> list[str]:
        """Names whose value says that they must not be sent."""
        return [name for name, value in self._entries.values() if value is None or value is False]

    def __repr__(self) -> str:
        return f"Headers({self.masked()})"

    def masked(self) -> dict[str, Any]:
        """A plain dict in which credentials are masked."""
        return {
            name: REDACTED if key in SECRET_HEADERS and value else _plain(value)
            for key, (name, value) in self._entries.items()
        }


def _of(entries: dict[str, tuple[str, Any]]) -> Headers:
    headers = Headers.__new__(Headers)
    headers._entries = entries
    return headers


def _plain(value: Any) -> Any:
    return value.masked() if isinstance(value, Headers) else value


def _text(value: Any) -> str:
    """A value as one field line; as in axios control characters go, so nothing is injected."""
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).translate(_NOT_IN_VALUES).strip(" \t")


def is_header_name(name: str) -> bool:
    """Whether ``name`` can be the name of a header (RFC 9110, section 5.1)."""
    return bool(name) and _TOKEN_CHARACTERS.issuperset(name)


def _checked_name(name: str) -> bytes:
    if is_header_name(name):
        return name.encode("ascii")
    raise RequestError(
        f"headers: {name!r} is not a header name; use letters, digits and -",
        RequestError.ERR_BAD_OPTION_VALUE,
    )


def basic_auth(auth: Mapping[str, str] | tuple[str, str]) -> str:
    """The ``Authorization`` of basic authentication (RFC 7617, in UTF-8)."""
    username, password = username_and_password(auth)
    return f"Basic {base64.b64encode(encoded(f'{username}:{password}', 'auth')).decode()}"


def username_and_password(auth: Any, name: str = "auth") -> tuple[str, str]:
    """The two of a mapping or a pair, empty where they are missing.

    Args:
        auth: The mapping or pair.
        name: The option that it came from, for the text of errors.

    Raises:
        TypeError: It is neither, or not of strings.
    """
    if isinstance(auth, Mapping):
        username, password = auth.get("username") or "", auth.get("password") or ""
    elif isinstance(auth, (tuple, list)) and len(auth) == 2:
        username, password = auth
    else:
        raise TypeError(
            f"{name} must be a mapping with username and password, or a pair of them, "
            f"not {type(auth).__name__}"
        )
    for part in (username, password):
        if not isinstance(part, str):
            kind = type(part).__name__
            raise TypeError(f"{name}: user name and password must be str, not {kind}")
    return username, password


def content_length(headers: Mapping[str, Any]) -> int | None:
    """The number in a ``Content-Length``; ``None`` where there is none that means anything."""
    given = str(headers.get("content-length") or "")
    is_number = given.isascii() and given.isdigit() and len(given) < 20
    return int(given) if is_number else None


def charset(headers: Mapping[str, Any]) -> str:
    """The encoding that a ``Content-Type`` names, if Python knows it; else UTF-8."""
    found = _CHARSET.search(str(headers.get("content-type") or ""))
    try:
        name = codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        name = "utf-8"
    return "utf-8-sig" if name == "utf-8" else name
