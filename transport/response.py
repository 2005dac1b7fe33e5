"""What a call returns."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from .config import RequestConfig


@define(repr=False, eq=False)
class Response:
    """A response (axios's ``AxiosResponse``). It may be changed by interceptors.

    Attributes:
        data: The body after ``transform_response``; in the network chain, its raw bytes.
        status: The status code.
        status_text: The reason phrase.
        headers: The headers, of the client library's own class.
        config: The options of the request.
        request: The client's request.
        duration: Seconds from sending the request until its body was there.
        cause: For the network chain: what to give as ``__cause__`` to the error that is raised if
            ``validate_status`` refuses this response.
        notes: For the network chain: notes for that error.
    """

    data: Any
    status: int
    status_text: str
    headers: Any
    config: RequestConfig
    request: Any = None
    duration: float = 0.0
    cause: BaseException | None = None
    notes: list[str] = field(factory=list)

    def __repr__(self) -> str:
        # The data may hold tokens: a login's answer does.
        return f"<Response [{self.status} {self.status_text}]>".replace(" ]", "]")

    def __rich_repr__(self) -> Any:
        yield "status", self.status
        yield "status_text", self.status_text
        yield "duration", self.duration
