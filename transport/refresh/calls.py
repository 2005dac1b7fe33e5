"""Ready-made refreshes, which send with the connections of the instance they are for.

Example:
    refresh = oauth2_refresh("https://login.example.com/oauth/token", "my-app", "my-secret")
    silent_refresh(api, store, refresh=refresh)

"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args
from urllib.parse import quote_plus

from attrs import field, frozen

from ..errors import RefreshError
from ..instance import default_config
from ..response import Response
from ..secrecy import describe, discreet
from ..urls import origin
from .expiry import now
from .tokens import TokenPair, problem_of_pair

#: How a client with a secret shows it (RFC 6749, section 2.3.1).
ClientAuth = Literal["basic", "post"]

#: The errors of RFC 6749, section 5.2. Nothing else of an answer is ever shown: it may repeat the
#: token.
_ERRORS = frozenset(
    (
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    )
)


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
            sender = _sender_for(api)
            sending = sender.post(
                self.url,
                {"refresh_token": refresh_token},
                timeout=timeout,
                validate_status=_is_success,
                response_type="json",
                before_redirect=_StayAt(sender.get_uri(self.url)),
            )
            response: Response = await api.runtime.maybe_await(sending)
            return _pair_in(response.data)

        return api.runtime.adapt(post)  # type: ignore[no-any-return]


def _sender_for(api: Any) -> Any:
    """Make an instance with the defaults of ``api`` and no interceptors."""
    sender = api.create()
    sender.observers.extend(api.observers)
    return sender


@frozen
class _StayAt:
    """Refuses to take a refresh token to another origin, where a redirect may lead."""

    url: str

    def __call__(self, request: Any) -> None:
        if origin(str(request.url)) != origin(self.url):
            raise RefreshError("the refresh call was redirected to another origin")


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _pair_in(answer: Any) -> TokenPair:
    """Return the pair in an answer (RFC 6749, section 5.1); its life is counted from now."""
    received_at = now()
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
    """Return a number of seconds, which some servers write as text; ``None`` if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return float(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None


# --- OAuth 2.0 ---


@discreet
def oauth2_refresh(
    token_endpoint: str,
    client_id: str,
    client_secret: str | None = None,
    scope: str | None = None,
    auth: ClientAuth = "basic",
) -> ReadyRefresh:
    """Refresh the access token at the token endpoint of an OAuth 2.0 server (RFC 6749, section 6).

    The request uses the connections of the instance, and none of its defaults: those are meant for
    the API and not for the authorization server.

    An answer with the error ``invalid_grant`` ends the session. Any other error does not: the
    client may be configured wrongly, which is not the user's fault.

    Args:
        token_endpoint: The absolute URL.
        client_id: Who the client is.
        client_secret: The secret of a confidential client. Default: a public client, which says
            its ``client_id`` in the body.
        scope: What to ask for, separated by spaces. Default: what was granted before.
        auth: How the secret is shown: ``"basic"`` in the header ``Authorization``, ``"post"`` in
            the body.

    Returns:
        What `silent_refresh` takes as ``refresh``. Its repr shows no secret.

    Raises:
        TypeError: An argument has the wrong type; the message never holds the secret.
        ValueError: The URL has no scheme and host, ``client_id`` or the secret is empty, or
            ``auth`` is none of the two.
    """
    problem = _problem(token_endpoint, client_id, client_secret, scope)
    if problem:
        raise problem
    if auth not in get_args(ClientAuth):
        raise ValueError(f"auth must be 'basic' or 'post', not {describe(auth)}")
    return _OAuth2Refresh(token_endpoint, client_id, client_secret, scope, auth)


@frozen
class _OAuth2Refresh(ReadyRefresh):
    token_endpoint: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scope: str | None
    auth: ClientAuth

    def bound_to(self, api: Any, timeout: float) -> Callable[[str | None], Any]:
        async def post(refresh_token: str | None) -> TokenPair:
            sender = _sender_for(api)
            own = sender.defaults
            sender.defaults = default_config()
            sender.defaults.adapter, sender.defaults.proxy = own.adapter, own.proxy
            sending = sender.post(
                self.token_endpoint,
                self._fields(refresh_token),
                headers={
                    "Accept": "application/json",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                timeout=timeout,
                validate_status=None,
                before_redirect=_StayAt(self.token_endpoint),
                **self._credentials(),
            )
            response: Response = await api.runtime.maybe_await(sending)
            return _pair_of(response)

        return api.runtime.adapt(post)  # type: ignore[no-any-return]

    def _fields(self, refresh_token: str | None) -> dict[str, str | None]:
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if self.scope is not None:
            fields["scope"] = self.scope
        if self.client_secret is None or self.auth == "post":
            fields["client_id"] = self.client_id
        if self.client_secret is not None and self.auth == "post":
            fields["client_secret"] = self.client_secret
        return fields

    def _credentials(self) -> dict[str, Any]:
        if self.client_secret is None or self.auth != "basic":
            return {}
        # Both are encoded like a form before they are joined (RFC 6749, section 2.3.1).
        return {"auth": (quote_plus(self.client_id), quote_plus(self.client_secret))}


def _pair_of(response: Response) -> TokenPair:
    answer = response.data
    if not _is_success(response.status):
        error = answer.get("error") if isinstance(answer, Mapping) else None
        name = error if isinstance(error, str) and error in _ERRORS else "no error of RFC 6749"
        raise RefreshError(
            f"the token endpoint answered {response.status}, {name}",
            rejected=name == "invalid_grant" and 400 <= response.status < 500,
        )
    kind = answer.get("token_type", "bearer") if isinstance(answer, Mapping) else "bearer"
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise RefreshError("the token endpoint gave a token that is no bearer token (RFC 6750)")
    return _pair_in(answer)


def _problem(
    token_endpoint: object, client_id: object, client_secret: object, scope: object
) -> Exception | None:
    """Return what is wrong with the arguments; of the secret it names only the type."""
    texts = {"token_endpoint": token_endpoint, "client_id": client_id}
    options = {"client_secret": client_secret, "scope": scope}
    for name, value in {**texts, **options}.items():
        if not isinstance(value, str) and not (value is None and name in options):
            return TypeError(f"{name} must be a str, not {type(value).__name__}")
        if value == "":
            return ValueError(f"{name} must not be empty; leave out what there is none of")
    if origin(str(token_endpoint)) is None:
        return ValueError(
            f"token_endpoint {describe(token_endpoint)} has no scheme and host, as in "
            "'https://login.example.com/oauth/token'"
        )
    return None
