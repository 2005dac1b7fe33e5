"""Ready-made refreshes, which send with the connections of the instance they are for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from . import clock
from .errors import RefreshError
from .response import Response
from .tokens import TokenPair, problem_of_pair
from .urls import origin


class ReadyRefresh(ABC):
    """A ``refresh`` for `silent_refresh` that is bound to the instance it is given for.

    One that needs a refresh token and sends it in one request, which is made again if it could not
    even connect.
    """

    @abstractmethod
    def bound_to(self, api: Any, timeout: float) -> Callable[[str | None], Any]:
        """``(refresh_token) -> TokenPair``, async or plain as ``api`` is.

        Args:
            api: The instance; its interceptors see nothing of the request.
            timeout: Seconds for the request.
        """


@frozen
class JsonRefresh(ReadyRefresh):
    """The default refresh: POST ``{"refresh_token": …}`` to ``url`` and read the new pair."""

    url: str

    def bound_to(self, api: Any, timeout: float) -> Callable[[str | None], Any]:
        """Send it with the defaults of ``api``."""

        async def post(refresh_token: str | None) -> TokenPair:
            sender = sender_for(api)
            sending = sender.post(
                self.url,
                {"refresh_token": refresh_token},
                timeout=timeout,
                validate_status=is_success,
                response_type="json",
                before_redirect=StayAt(sender.get_uri(self.url)),
            )
            response: Response = await api.runtime.settle(sending)
            return pair_in(response.data)

        return api.runtime.adapt(post)  # type: ignore[no-any-return]


def sender_for(api: Any) -> Any:
    """An instance of its own, with the defaults of ``api`` and no interceptors."""
    sender = api.create()
    sender.observers.extend(api.observers)
    return sender


@frozen
class StayAt:
    """Refuses to take a refresh token elsewhere, wherever a redirect may lead."""

    url: str

    def __call__(self, request: Any) -> None:
        """Look at a redirected request before it leaves."""
        if origin(str(request.url)) != origin(self.url):
            raise RefreshError("the refresh call was redirected to another origin")


def is_success(status: int) -> bool:
    """Whether a status says that there is a new pair in the answer."""
    return 200 <= status < 300


def pair_in(answer: Any) -> TokenPair:
    """The pair in an answer (RFC 6749, section 5.1); its life is counted from now.

    Raises:
        RefreshError: It holds none.
    """
    received_at = clock.now()
    if not isinstance(answer, Mapping):
        raise RefreshError("the answer to the refresh call is no JSON object")
    lifetime = _seconds(answer.get("expires_in"))
    expires_at = None if lifetime is None else received_at + lifetime
    fields: tuple[Any, ...] = (answer.get("access_token"), answer.get("refresh_token"), expires_at)
    problem = problem_of_pair(*fields)
    if problem:
        raise RefreshError(f"the answer to the refresh call cannot be used: {problem}")
    return TokenPair(*fields)


def _seconds(value: Any) -> float | None:
    """A number of seconds, which some servers write as text; ``None`` if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return float(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None
