"""Silent refresh: a request gets a 401, the token is refreshed once, and the request is replayed.

Read a refresh in three files: ``guard`` is what a request goes through, ``renewal`` is one refresh,
``token_session`` is what instances over one store share.
"""

from .calls import ReadyRefresh, json_refresh, oauth2_refresh
from .keep_fresh import KeepFresh
from .signals import Signal, login_required, refresh_failed, token_refreshed
from .silent_refresh import RefreshStats, SilentRefresh, silent_refresh
from .tokens import TokenPair, TokenStore

__all__ = [
    "KeepFresh",
    "ReadyRefresh",
    "RefreshStats",
    "Signal",
    "SilentRefresh",
    "TokenPair",
    "TokenStore",
    "json_refresh",
    "login_required",
    "oauth2_refresh",
    "refresh_failed",
    "silent_refresh",
    "token_refreshed",
]
