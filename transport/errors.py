"""What can go wrong with a request.

    RequestError              anything that ended a request, with a `code`
    ├── CanceledError         the request was aborted through its signal
    ├── InvalidURLError       a URL that cannot be requested (also a ValueError)
    └── RefreshError          the access token could not be renewed

The codes are axios's (``AxiosError.ERR_NETWORK`` is `RequestError.ERR_NETWORK`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .redaction import redact

if TYPE_CHECKING:
    from .config import RequestConfig
    from .response import Response


class RequestError(Exception):
    """A request that failed.

    The exception of the HTTP client, where there is one, is the ``__cause__``. Neither the text nor
    the repr nor `to_json` shows a credential.

    Args:
        message: What went wrong.
        code: One of the codes below.
        config: The configuration of the request.
        request: The client's request, if one was made.
        response: The response, if one arrived.

    Attributes:
        status: The status of the response, ``None`` without one.
        request_was_sent: Whether anything of the request may have reached the server.
    """

    ERR_BAD_OPTION_VALUE: ClassVar = "ERR_BAD_OPTION_VALUE"
    ERR_BAD_OPTION: ClassVar = "ERR_BAD_OPTION"
    ECONNABORTED: ClassVar = "ECONNABORTED"
    ECONNREFUSED: ClassVar = "ECONNREFUSED"
    ERR_NETWORK: ClassVar = "ERR_NETWORK"
    ERR_FR_TOO_MANY_REDIRECTS: ClassVar = "ERR_FR_TOO_MANY_REDIRECTS"
    ERR_BAD_RESPONSE: ClassVar = "ERR_BAD_RESPONSE"
    ERR_BAD_REQUEST: ClassVar = "ERR_BAD_REQUEST"
    ERR_CANCELED: ClassVar = "ERR_CANCELED"
    ERR_NOT_SUPPORT: ClassVar = "ERR_NOT_SUPPORT"
    ERR_INVALID_URL: ClassVar = "ERR_INVALID_URL"
    ERR_FORM_DATA_DEPTH_EXCEEDED: ClassVar = "ERR_FORM_DATA_DEPTH_EXCEEDED"
    #: Not axios's: the request could not get a valid access token.
    ERR_TOKEN_REFRESH: ClassVar = "ERR_TOKEN_REFRESH"  # noqa: S105 - a code

    def __init__(
        self,
        message: str,
        code: str | None = None,
        config: RequestConfig | None = None,
        request: Any = None,
        response: Response | None = None,
        *,
        request_was_sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.config = config
        self.request = request
        self.response = response
        self.request_was_sent = request_was_sent

    @property
    def status(self) -> int | None:
        """The status of the response, ``None`` if there is none."""
        return None if self.response is None else self.response.status

    def to_json(self) -> dict[str, Any]:
        """What happened, as plain data for a log; credentials and ``redact`` are masked.

        Returns:
            ``message``, ``name``, ``code``, ``status`` and ``config`` (the options that were set).
        """
        return {
            "message": self.message,
            "name": type(self).__name__,
            "code": self.code,
            "status": self.status,
            "config": None if self.config is None else self.config.to_json(),
        }

    def __repr__(self) -> str:
        parts = [repr(self.message)]
        if self.code is not None:
            parts.append(f"code={self.code!r}")
        if self.status is not None:
            parts.append(f"status={self.status}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A request belongs to a live client: what travels to another process is the rest.
        kept = {
            name: vars(self)[name]
            for name in ("request_was_sent", "rejected")
            if name in vars(self)
        }
        return (type(self), (self.message, self.code), kept)


class CanceledError(RequestError):
    """The request was aborted through its ``signal`` (axios: ``CanceledError``)."""

    def __init__(
        self,
        message: str = "canceled",
        code: str | None = RequestError.ERR_CANCELED,
        config: RequestConfig | None = None,
        request: Any = None,
        *,
        request_was_sent: bool = True,
    ) -> None:
        super().__init__(message, code, config, request, request_was_sent=request_was_sent)


class InvalidURLError(RequestError, ValueError):
    """A URL that cannot be requested."""


class RefreshError(RequestError):
    """The access token could not be renewed.

    It is the ``__cause__`` of the error that each waiting request raises. A ``refresh`` function of
    one's own may raise it to say what the failure means.

    Args:
        message: What went wrong.
        rejected: ``True``: the server refused the refresh token, so the session is over.
            ``False``: the refresh failed for another reason, and may succeed later.
    """

    def __init__(
        self,
        message: str,
        code: str | None = RequestError.ERR_TOKEN_REFRESH,
        *,
        rejected: bool = False,
    ) -> None:
        super().__init__(message, code)
        self.rejected = rejected


AnyError = TypeVar("AnyError", bound=BaseException)

#: Packages whose frames hold raw headers, bodies and tokens as local variables.
_INNER_PACKAGES = frozenset(
    (
        *("zustax", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2", "anyio"),
        *("aiohttp", "aiohappyeyeballs", "multidict", "yarl"),
        *("asyncio", "json", "contextlib", "concurrent", "threading", "_collections_abc"),
    )
)


def without_tracebacks(error: AnyError) -> AnyError:
    """``error`` and all that caused it, without the frames that they passed through."""
    for one in _with_causes(error):
        one.__traceback__ = None
    return error


def with_callers_frames(error: AnyError) -> AnyError:
    """``error`` and all that caused it, with no frames but those of the caller's own code.

    Crash reports print the local variables of frames. Those of an HTTP client hold raw headers and
    bodies, and so do some of ours.
    """
    for one in _with_causes(error):
        one.__traceback__ = _callers_part(one.__traceback__)
    return error


def _with_causes(error: BaseException) -> Iterable[BaseException]:
    found: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            pending += (one.__cause__, one.__context__)
            pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return found.values()


def _callers_part(traceback: TracebackType | None) -> TracebackType | None:
    kept: TracebackType | None = None
    for one in reversed(list(_walk(traceback))):
        if not _is_inner(one):
            kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def _walk(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_inner(traceback: TracebackType) -> bool:
    if traceback.tb_frame.f_code.co_filename.startswith("<attrs generated"):
        return True
    module = str(traceback.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _INNER_PACKAGES


def describe(value: Any) -> str:
    """``value`` for the text of an error, with secrets masked and cut to a readable length."""
    text = repr(redact(value))
    return text if len(text) <= 200 else f"{text[:197]}..."
