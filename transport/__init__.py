"""An HTTP instance with the semantics of axios, and a silent refresh of its tokens."""

import logging as _logging
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .adapters.streaming import ResponseStream, SyncResponseStream
from .cancel import AbortController, AbortSignal
from .chain import InterceptorManager, NetworkManager
from .config import UNSET, RequestConfig, RequestOptions
from .errors import CanceledError, InvalidURLError, RefreshError, RequestError
from .headers import Headers
from .instance import Instance, SyncInstance, create, create_sync
from .options import merge_config
from .progress import ProgressEvent
from .refresh.calls import ReadyRefresh, json_refresh, oauth2_refresh
from .refresh.keep_fresh import KeepFresh
from .refresh.signals import Signal, login_required, refresh_failed, token_refreshed
from .refresh.silent_refresh import SilentRefresh, silent_refresh
from .refresh.stats import RefreshStats
from .refresh.tokens import TokenPair, TokenStore
from .response import ClientRequest, Response

if _TYPE_CHECKING:
    from .trace import Trace, TraceCall, TraceEvent, TraceHandler, TraceSpan, record

__all__ = [
    "UNSET",
    "AbortController",
    "AbortSignal",
    "CanceledError",
    "ClientRequest",
    "Headers",
    "Instance",
    "InterceptorManager",
    "InvalidURLError",
    "KeepFresh",
    "NetworkManager",
    "ProgressEvent",
    "ReadyRefresh",
    "RefreshError",
    "RefreshStats",
    "RequestConfig",
    "RequestError",
    "RequestOptions",
    "Response",
    "ResponseStream",
    "Signal",
    "SilentRefresh",
    "SyncInstance",
    "SyncResponseStream",
    "TokenPair",
    "TokenStore",
    "Trace",
    "TraceCall",
    "TraceEvent",
    "TraceHandler",
    "TraceSpan",
    "create",
    "create_sync",
    "json_refresh",
    "login_required",
    "merge_config",
    "oauth2_refresh",
    "record",
    "refresh_failed",
    "silent_refresh",
    "token_refreshed",
]

_TRACE = frozenset(("Trace", "TraceCall", "TraceEvent", "TraceHandler", "TraceSpan", "record"))

_logging.getLogger("zustax").addHandler(_logging.NullHandler())


def _show_public_module(value: object) -> None:
    """Let tracebacks and documentation show the module that a user imports from."""
    if hasattr(value, "__qualname__"):
        value.__module__ = __name__


for _name in __all__:
    if _name not in _TRACE:
        _show_public_module(globals()[_name])


def __getattr__(name: str) -> _Any:
    """Import the trace when it is first used: most programs never do."""
    if name not in _TRACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import trace

    for each in _TRACE:
        globals()[each] = value = getattr(trace, each)
        _show_public_module(value)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_TRACE})
