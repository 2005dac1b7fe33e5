"""What can go wrong with a request.

    RequestError              anything that ended a request, with a `code`
    ├── CanceledError         the request was aborted through its signal
    ├── InvalidURLError       a URL that cannot be requested (also a ValueError)
    └── RefreshError          the access token could not be refreshed

The codes are axios's (``AxiosError.ERR_NETWORK`` is `RequestError.ERR_NETWORK`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from .config import RequestConfig
from .response import ClientRequest, Response


class RequestError(Exception):
    """A request that failed.

    The exception of the HTTP client, where there is one, is the ``__cause__``. The text, the repr
    and `to_json` show no credentials.

    Args:
        message: What went wrong.
        code: One of the codes below.
        config: The configuration of the request.
        request: The client's request, if one was made.
        response: The response, if one arrived.
        request_was_sent: False if nothing of the request can have reached the server.

    Attributes:
        status: The status of the response, ``None`` without one.
        request_was_sent: True if something of the request may have reached the server.
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
        request: ClientRequest | None = None,
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
        """Return what happened as plain data for a log, with credentials and ``redact`` masked.

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

    def __str__(self) -> str:
        return self.message  # which an interceptor may have replaced

    def __repr__(self) -> str:
        parts = [repr(self.message)]
        if self.code is not None:
            parts.append(f"code={self.code!r}")
        if self.status is not None:
            parts.append(f"status={self.status}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A request belongs to a live client: another process gets the rest.
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
        request: ClientRequest | None = None,
        *,
        request_was_sent: bool = True,
    ) -> None:
        super().__init__(message, code, config, request, request_was_sent=request_was_sent)


class InvalidURLError(RequestError, ValueError):
    """A URL that cannot be requested."""


class RefreshError(RequestError):
    """The access token could not be refreshed.

    It is the ``__cause__`` of the error that each waiting request raises. Your own ``refresh``
    function may raise it to say what the failure means.

    Args:
        message: What went wrong.
        rejected: ``True``: the server refused the refresh token, so the session is over.
            ``False``: the refresh failed for another reason, and may succeed later.

    Attributes:
        retry_after: Seconds after which the server may be asked again, if it said so.
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
        self.retry_after: float | None = None
