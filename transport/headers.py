"""Headers of a request: a mapping that ignores case, with axios's sets for defaults."""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from .secrecy import REDACTED, SECRET_HEADERS, discreet

#: The sets of headers that defaults keep (axios: ``defaults.headers.common``, ``.get``, …).
SETS = frozenset(("common", "delete", "get", "head", "options", "post", "put", "patch", "query"))

_TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~") | frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)

_Entries = dict[str, tuple[str, Any]]


class Headers(MutableMapping[str, Any]):
    """Case-insensitive headers of a request.

    A value is a string, a number, a boolean, or a list of them (sent as one comma-separated field).
    ``None`` and ``False`` are kept, and mean that the header is not sent, not even if a default
    names it.

    Defaults also have a set of headers for every method and one for each: ``headers.common``,
    ``headers.post`` and so on, or ``headers["common"]``, ``headers["get"]``. A request has one
    flat set: there, ``headers.common`` is the headers themselves.

    Args:
        headers: A mapping or pairs to start from.

    Raises:
        TypeError: A name is not a string, or an item is not a pair.
    """

    __slots__ = ("_entries", "_sets")

    _entries: _Entries
    _sets: dict[str, Headers] | None  # None: flat

    if TYPE_CHECKING:
        common: Headers
        delete: Headers
        head: Headers
        options: Headers
        post: Headers
        put: Headers
        patch: Headers
        query: Headers

    def __init__(self, headers: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        if isinstance(headers, Headers):
            _put_entries(self, headers._entries.copy())
            _put_sets(self, headers._copied_sets())
            return
        _put_entries(self, {})
        _put_sets(self, {})
        pairs: Iterable[Any] = headers.items() if isinstance(headers, Mapping) else headers
        for pair in pairs:
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
                raise TypeError("headers must be a mapping, or pairs of a name and a value")
            name: Any = pair[0]  # which is checked there
            self[name] = pair[1]

    # --- the mapping ---

    def __getitem__(self, name: str) -> Any:
        key = name.lower()
        entry = self._entries.get(key)
        if entry is not None:
            return entry[1]
        if key in SETS and self._sets is not None:
            return self.set_for(key)
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a header must be a str, not {name!r}")
        key = name.lower()
        if key in SETS and isinstance(value, Mapping):
            if self._sets is None:
                raise TypeError(f"the headers of a request have no set {name!r}; set each header")
            self._sets[key] = _made(Headers(value)._entries, None)
            return
        kept = self._entries.get(key)
        self._entries[key] = (kept[0] if kept else name, value)

    def __delitem__(self, name: str) -> None:
        key = name.lower()
        if key not in self._entries and self._sets and self._sets.pop(key, None) is not None:
            return
        del self._entries[key]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return name.lower() in self._entries or bool(self._sets and self._sets.get(name.lower()))

    def __iter__(self) -> Iterator[str]:
        yield from (name for name, _ in self._entries.values())
        yield from (name for name, headers in (self._sets or {}).items() if headers)

    def __len__(self) -> int:
        return len(self._entries) + sum(map(bool, (self._sets or {}).values()))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of ``name``, whatever its case, or ``default``."""
        entry = self._entries.get(name.lower())
        if entry is not None:
            return entry[1]
        return self[name] if self._sets is not None and name.lower() in SETS else default

    # --- sets, and attributes that users try ---

    def set_for(self, name: str) -> Headers:
        """Return the set ``name``: ``"common"``, or a method such as ``"post"``.

        Raises:
            AttributeError: These are the headers of a request, and ``name`` is a method.
        """
        if self._sets is None:
            if name == "common":
                return self
            raise AttributeError(
                f"the headers of a request have no set for {name!r}: "
                "write headers['X-Name'], or set it on api.defaults.headers"
            )
        return self._sets.setdefault(name, _made({}, None))

    def __getattr__(self, name: str) -> Any:
        if name in SETS:
            return self.set_for(name)
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(_item_form(name))

    if not TYPE_CHECKING:  # with it, type checkers would let any name be set

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in SETS:
                raise AttributeError(_item_form(name))
            self[name] = value

    # --- for requests ---

    def for_method(self, method: str, given: Headers | None = None) -> Headers:
        """Return flat headers for one request: the set ``common``, that of ``method``, the rest.

        Args:
            method: In lower case.
            given: The headers of the call, which win over these.
        """
        entries: _Entries = {}
        own = self._entries
        for headers in (self, given):
            if headers is not None and headers._sets:
                for name in ("common", method):
                    if name in headers._sets:
                        entries.update(headers._sets[name]._entries)
        if given is not None:
            own = own.copy()
            for key, (name, value) in given._entries.items():
                own[key] = (own[key][0] if key in own else name, value)
        for key, entry in own.items():
            # As in axios: a False in a set stays, whatever the headers beside the set say.
            if key not in entries or entries[key][1] is not False:
                entries[key] = entry
        return _made(entries, None)

    def merged(self, other: Headers) -> Headers:
        """Return new headers: these with ``other`` on top, sets merged with sets."""
        result = self.copy()
        for name, value in other.fields():
            result[name] = value
        for name, headers in (other._sets or {}).items():
            result.set_for(name).update(headers)
        return result

    def fields(self) -> list[tuple[str, Any]]:
        """Return names and values without the sets, as a request has them."""
        return [*self._entries.values()]

    def removed(self) -> list[str]:
        """Return the names of headers that must not be sent."""
        return [name for name, value in self.fields() if value is None or value is False]

    def copy(self) -> Headers:
        """Return a copy whose changes leave this one alone."""
        headers = Headers.__new__(Headers)
        _put_entries(headers, self._entries.copy())
        _put_sets(headers, None if self._sets is None else self._copied_sets())
        return headers

    def _copied_sets(self) -> dict[str, Headers] | None:
        if self._sets is None:
            return None
        return {name: _made(headers._entries.copy(), None) for name, headers in self._sets.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._entries, self._sets)

    def __repr__(self) -> str:
        return f"Headers({self.masked()})"

    def masked(self) -> dict[str, Any]:
        """Return a plain dict in which credentials are masked."""
        shown = {
            name: REDACTED if key in SECRET_HEADERS and value else value
            for key, (name, value) in self._entries.items()
        }
        sets = (self._sets or {}).items()
        return {**shown, **{name: headers.masked() for name, headers in sets if headers}}


discreet(Headers, "__init__")

_put_entries = Headers.__dict__["_entries"].__set__
_put_sets = Headers.__dict__["_sets"].__set__


def _made(entries: _Entries, sets: dict[str, Headers] | None) -> Headers:
    headers = Headers.__new__(Headers)
    _put_entries(headers, entries)
    _put_sets(headers, sets)
    return headers


def _item_form(name: str) -> str:
    return f"headers have no attribute {name!r}: write headers[{name!r}]"


@functools.lru_cache(maxsize=1024)
def is_header_name(name: str) -> bool:
    """Return True if ``name`` can be the name of a header (RFC 9110, section 5.1)."""
    return bool(name) and _TOKEN_CHARACTERS.issuperset(name)


def content_length(headers: Mapping[str, Any]) -> int | None:
    """Return the number in a ``Content-Length``; ``None`` if there is no meaningful one."""
    given = str(headers.get("content-length") or "")
    is_number = given.isascii() and given.isdigit() and len(given) < 20
    return int(given) if is_number else None


def charset(headers: Mapping[str, Any]) -> str:
    """Return the encoding that a ``Content-Type`` names, if it is one of text; else UTF-8."""
    found = _CHARSET.search(str(headers.get("content-type") or ""))
    name = found[1] if found else "utf-8"
    try:
        b"a".decode(name, "replace")  # refuses what is no encoding of text, such as base64
        name = codecs.lookup(name).name
    except (LookupError, ValueError):
        name = "utf-8"
    return "utf-8-sig" if name == "utf-8" else name
