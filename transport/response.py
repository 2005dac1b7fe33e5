"""What a call returns."""

from __future__ import annotations

import typing
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol

import httpx
from attrs import define, field, setters

from .config import RequestConfig

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Data = TypeVar("Data", default=Any)
else:
    Data = typing.TypeVar("Data")


class ClientRequest(Protocol):
    """A request of the HTTP client, as it leaves; each client has more to say of it."""

    @property
    def method(self) -> str:
        """In upper case."""
        ...

    @property
    def url(self) -> Any:
        """A URL of httpx or yarl, with ``scheme``, ``host``, ``port`` and ``path``."""
        ...

    @property
    def headers(self) -> MutableMapping[str, str]:
        """They ignore case, and may be changed before the request leaves."""
        ...


def _as_headers(
    headers: httpx.Headers | Mapping[str, str] | Sequence[tuple[str, str]],
) -> httpx.Headers:
    if hasattr(headers, "raw"):  # also those of httpx2, which have the same methods
        return headers  # type: ignore[return-value]
    return httpx.Headers(headers)


@define(repr=False, eq=False, on_setattr=setters.NO_OP)
class Response(Generic[Data]):
    """A response (axios's ``AxiosResponse``). Interceptors may change it.

    Attributes:
        data: The body after ``transform_response``; in the network chain, its raw bytes.
        status: The status code.
        status_text: The reason phrase.
        headers: The headers.
        config: The options of the request.
        request: The client's request.
        duration: Seconds from sending the request until its body had arrived.
        cause: For the network chain: the ``__cause__`` of the error that is raised if
            ``validate_status`` refuses this response.
        notes: For the network chain: notes for that error.
        is_refused: For the network chain: True if the call is to raise whatever the status.
        left_origin: True if a redirect has led to another origin, which credentials do not reach.
    """

    data: Data
    status: int
    status_text: str
    headers: httpx.Headers = field(converter=_as_headers)
    config: RequestConfig
    request: ClientRequest | None = None
    duration: float = 0.0
    cause: BaseException | None = None
    notes: list[str] = field(factory=list)
    is_refused: bool = False
    left_origin: bool = False

    def __repr__(self) -> str:
        # The data may hold tokens: the answer to a login does.
        return f"<Response [{self.status} {self.status_text}]>".replace(" ]", "]")

    def __rich_repr__(self) -> Any:
        yield "status", self.status
        yield "status_text", self.status_text
        yield "duration", self.duration
