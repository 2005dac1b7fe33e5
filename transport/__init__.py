"""An HTTP instance with the semantics of axios, and a silent refresh of its tokens."""

from .cancel import AbortController, AbortSignal
from .config import RequestConfig, RequestOptions, merge_config
from .errors import CanceledError, InvalidURLError, RefreshError, RequestError
from .events import Signal, login_required, refresh_failed, token_refreshed
from .headers import Headers
from .instance import Instance, SyncInstance, create, create_sync
from .interceptors import InterceptorManager, NetworkManager
from .keep_fresh import KeepFresh
from .oauth2 import oauth2_refresh
from .posting import ReadyRefresh
from .progress import ProgressEvent
from .refresh import SilentRefresh, silent_refresh
from .refresher import RefreshStats
from .response import Response
from .streaming import ResponseStream, SyncResponseStream
from .tokens import TokenPair, TokenStore
from .trace import Trace, TraceCall, TraceEvent, TraceHandler, TraceSpan, record
from .unset import UNSET

__all__ = [
    "UNSET",
    "AbortController",
    "AbortSignal",
    "CanceledError",
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
    "login_required",
    "merge_config",
    "oauth2_refresh",
    "record",
    "refresh_failed",
    "silent_refresh",
    "token_refreshed",
]

for _public in (globals()[name] for name in __all__):
    if hasattr(_public, "__qualname__"):
        # What a user imports is what tracebacks and documentation show.
        _public.__module__ = __name__
