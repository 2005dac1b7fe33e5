"""An HTTP instance with the semantics of axios, and a silent refresh of its tokens."""

import logging as _logging
import typing as _typing

from .adapters.progress import ProgressEvent
from .adapters.streaming import ResponseStream, SyncResponseStream
from .cancel import AbortController, AbortSignal
from .chain import InterceptorManager, NetworkManager
from .config import UNSET, RequestConfig, RequestOptions
from .errors import CanceledError, InvalidURLError, RefreshError, RequestError
from .headers import Headers
from .instance import Instance, SyncInstance, create, create_sync
from .options import merge_config
from .response import ClientRequest, Response

if _typing.TYPE_CHECKING:
    from .refresh import (
        KeepFresh,
        ReadyRefresh,
        RefreshStats,
        Signal,
        SilentRefresh,
        TokenPair,
        TokenStore,
        json_refresh,
        login_required,
        oauth2_refresh,
        refresh_failed,
        silent_refresh,
        token_refreshed,
    )
    from .trace import Trace, TraceCall, TraceEvent, TraceHandler, TraceSpan, record

    __version__: str

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

#: What is imported when it is first used: most programs never record a trace.
_LATER = frozenset(__all__) - frozenset(globals())

_logging.getLogger("zustax").addHandler(_logging.NullHandler())


def _show_public_module(value: object) -> None:
    """Let tracebacks and documentation show the module that a user imports from."""
    if hasattr(value, "__qualname__"):
        value.__module__ = __name__


for _name in frozenset(__all__) - _LATER:
    _show_public_module(globals()[_name])


if not _typing.TYPE_CHECKING:  # a checker would take any name for one that exists

    def __getattr__(name: str) -> object:
        """Import a package, or look the version up, when it is first used."""
        if name == "__version__":
            from importlib.metadata import version

            return version("zustax")
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import refresh

        package: _typing.Any = refresh
        if name not in refresh.__all__:
            from . import trace

            package = trace
        for each in _LATER.intersection(package.__all__):
            globals()[each] = value = getattr(package, each)
            _show_public_module(value)
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
