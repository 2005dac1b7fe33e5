"""The conditions of ``run_when`` and ``if``, each a mapping with a single key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.transport import RequestConfig, Response

from .functions import RaisedError


def run_when(condition: bool | dict[str, Any]) -> Callable[[RequestConfig], bool]:
    """The test of a config that a ``run_when`` describes."""

    def test(config: RequestConfig) -> bool:
        match condition:
            case bool():
                return condition
            case {"method": str(method)}:
                return config.method == method
            case {"url": str(url)}:
                return config.url == url
            case {"tag": tag}:
                return bool(config.extra.get("tag") == tag)
            case {"header": [str(name), str(value)]}:
                return bool(config.headers.get(name) == value)
            case {"no_header": str(name)}:
                return name not in config.headers
        raise ValueError(f"unknown condition of run_when: {condition}")

    return test


def holds(condition: dict[str, Any], value: Any) -> bool:
    """Whether what a handler was given meets the condition of an ``if``."""
    match condition:
        case {"status": int(status)}:
            return getattr(value, "status", None) == status
        case {"code": str(code)}:
            return getattr(value, "code", None) == code
        case {"raised": text}:
            return isinstance(value, RaisedError) and str(value) == text
        case {"data": [key, expected]}:
            data = value.data if isinstance(value, Response) else None
            return isinstance(data, dict) and data.get(key) == expected
    raise ValueError(f"unknown condition of if: {condition}")
