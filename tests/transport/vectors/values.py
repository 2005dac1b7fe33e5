"""Values of the vectors, to Python and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from .functions import FUNCTIONS


@frozen
class Decoder:
    """Turns the special values of a program into what they stand for.

    Args:
        iterator: Makes a one-shot iterator over pieces of a body.
        default_transforms: Gives the functions that an instance has in an option of itself.
    """

    iterator: Callable[[Sequence[bytes]], Any]
    default_transforms: Callable[[str], Sequence[Callable[..., Any]]]

    def decode(self, value: Any, option: str = "") -> Any:
        """``value`` in Python; ``option`` is where it stands, which tells functions apart."""
        match value:
            case {"$bytes": _}:
                return bytes_of(value)
            case {"$iter": pieces}:
                return self.iterator([piece.encode() for piece in pieces])
            case {"$fn": "defaults"}:
                return list(self.default_transforms(option))
            case {"$fn": name}:
                return FUNCTIONS[option][name](value)
            case dict():
                return {name: self.decode(item, name) for name, item in value.items()}
            case list():
                return self._decode_list(value, option)
        return value

    def _decode_list(self, values: list[Any], option: str) -> list[Any]:
        decoded: list[Any] = []
        for value in values:
            if value == {"$fn": "defaults"}:
                decoded += self.decode(value, option)
            else:
                decoded.append(self.decode(value, option))
        return decoded


def encode(value: Any) -> Any:
    """A value that came out of a call, as the vectors write it."""
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case Mapping():
            return {name: encode(item) for name, item in value.items()}
        case list() | tuple():
            return [encode(item) for item in value]
        case float() if value.is_integer():
            return int(value)  # JSON does not tell 2.0 from 2
    return value


def bytes_of(body: Any) -> bytes:
    """The bytes of a body that is text or ``$bytes``."""
    return body.encode() if isinstance(body, str) else base64.b64decode(body["$bytes"])


def text_or_bytes(body: bytes) -> Any:
    """A body as text if it is UTF-8, else as ``$bytes``."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return encode(body)


def comparable(value: Any) -> str:
    """Text that is equal for equal values only: ``True`` is not ``1``, ``2.0`` is ``2``."""
    return json.dumps(encode(value), indent=1, sort_keys=True, ensure_ascii=False, default=repr)


@frozen
class Placeholders:
    """Addresses that are known only when the servers run.

    Args:
        hosts: ``host:port`` by name.
    """

    hosts: Mapping[str, str]

    def put_in(self, value: Any) -> Any:
        """``value`` with addresses for ``{name}`` and ``{name_host}``."""
        text = json.dumps(value)
        for name, host in self.hosts.items():
            text = text.replace(f"{{{name}}}", f"http://{host}").replace(f"{{{name}_host}}", host)
        return json.loads(text)

    def put_back(self, value: Any) -> Any:
        """``value`` with ``{name}`` and ``{name_host}`` for addresses."""
        text = json.dumps(value, default=repr)
        for name, host in self.hosts.items():
            text = text.replace(f"http://{host}", f"{{{name}}}").replace(host, f"{{{name}_host}}")
        return json.loads(text)
