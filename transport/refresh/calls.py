"""Ready-made refresh calls, which send with the connections of the instance they are for.

Example:
    refresh = json_refresh("/login/renew", send="refreshToken", access_token="data.accessToken")
    silent_refresh(api, store, refresh=refresh)

"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args
from urllib.parse import quote_plus

from attrs import field, frozen

from ..chain import is_async
from ..config import RequestConfig
from ..errors import RefreshError
from ..instance import default_config
from ..options import checked_method
from ..response import Response
from ..secrecy import describe, discreet
from ..urls import origin
from .answers import error_for, is_dead_token, pair_in
from .tokens import TokenPair

#: Where an answer has the access token, the refresh token and its seconds (RFC 6749, section 5.1).
_PATHS = ("access_token", "refresh_token", "expires_in")

#: How a client with a secret shows it (RFC 6749, section 2.3.1).
ClientAuth = Literal["basic", "post"]


class ReadyRefresh(ABC):
    """A ``refresh`` for `silent_refresh` that is bound to the instance it is given for.

    It sends one request, which is made again if it could not even connect.
    """

    @property
    def needs_token(self) -> bool:
        """True if there is nothing to send without a refresh token."""
        return True

    @abstractmethod
    def bound_to(self, api: Any, timeout: float) -> Callable[[str | None], Any]:
        """Return ``(refresh_token) -> TokenPair``, async or plain as ``api`` is.

        Args:
            api: The instance; its interceptors see nothing of the request.
            timeout: Seconds for the request; 0: no limit.
        """


@discreet
def json_refresh(
    url: str,
    *,
    send: str | Callable[[str | None], Any] = "refresh_token",
    access_token: str = "access_token",
    refresh_token: str = "refresh_token",
    expires_in: str = "expires_in",
    method: str = "post",
    headers: Mapping[str, Any] | None = None,
    rejected: Callable[[Response], bool] | None = None,
) -> ReadyRefresh:
    """Refresh with a JSON request whose fields have the names of your backend.

    Args:
        url: Where to send it; relative to the ``base_url`` of the instance, or absolute.
        send: The name of the field with the refresh token, with dots for what lies deeper
            (``"auth.refreshToken"``), or a function from the refresh token to the body. The
            function is given ``None`` if the store has no refresh token (a cookie may carry it).
        access_token: The name of the new access token in the answer, with dots:
            ``"data.accessToken"``.
        refresh_token: The name of the new refresh token. An answer without one keeps the old one.
        expires_in: The name of the seconds until the access token expires. They are optional.
        method: The HTTP method.
        headers: Further headers. Default: those of the instance.
        rejected: ``(response) -> bool`` tells whether an answer rejects the refresh token, instead
            of its status; ``data`` are parsed. For servers that answer 200 with an error in it.

    Returns:
        What `silent_refresh` takes as ``refresh``.

    Raises:
        TypeError: An argument has the wrong type.
    """
    _check_texts(
        url=url, access_token=access_token, refresh_token=refresh_token, expires_in=expires_in
    )
    if not isinstance(send, str) and not callable(send):
        raise TypeError(f"send must be a name or a function, not {type(send).__name__}")
    if rejected is not None and (not callable(rejected) or is_async(rejected)):
        raise TypeError(f"rejected must be a plain function, not {describe(rejected)}")
    paths = (access_token, refresh_token, expires_in)
    return _JsonRefresh(url, send, paths, checked_method(method), headers, rejected)


@frozen
class _JsonRefresh(ReadyRefresh):
    url: str
    send: str | Callable[[str | None], Any]
    paths: tuple[str, str, str]
    method: str
    headers: Mapping[str, Any] | None
    rejected: Callable[[Response], bool] | None

    @property
    def needs_token(self) -> bool:
        return not callable(self.send)

    def bound_to(self, api: Any, timeout: float) -> Callable[[str | None], Any]:
        request = RequestConfig(
            url=self.url,
            method=self.method,
            headers=self.headers or {},
            timeout=timeout,
            validate_status=None,
            response_type="json",
            before_redirect=lambda request: _stay_at(api.get_uri(self.url), request),
        )

        async def call(refresh_token: str | None) -> TokenPair:
            answer = api.request(request, data=self._body(refresh_token))
            response: Response = await api.runtime.maybe_await(answer)
            if self.rejected is not None:
                error = error_for(response, self.rejected)
                if error.rejected:
                    raise error
            return _pair_or_error(response, self.paths, self.rejected)

        return api.runtime.adapt(call)  # type: ignore[no-any-return]

    def _body(self, refresh_token: str | None) -> Any:
        if callable(self.send):
            return self.send(refresh_token)
        body: Any = refresh_token
        for name in reversed(self.send.split(".")):
            body = {name: body}
        return body


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

    An error that says that the refresh token is dead (``invalid_grant`` and its kin) ends the
    session, also with status 200. Any other error does not: the client may be configured wrongly,
    which is not the user's fault.

    Args:
        token_endpoint: The absolute URL.
        client_id: Who the client is.
        client_secret: The secret of a confidential client. Default: a public client, which sends
            its ``client_id`` in the body.
        scope: What to ask for, separated by spaces. Default: what was granted before.
        auth: How the secret is sent: ``"basic"`` in the header ``Authorization``, ``"post"`` in
            the body.

    Returns:
        What `silent_refresh` takes as ``refresh``. Its repr shows no secret.

    Raises:
        TypeError: An argument has the wrong type; the message never holds the secret.
        ValueError: The URL has no scheme and host, ``client_id`` or the secret is empty, or
            ``auth`` is none of the two.
    """
    options = {"client_secret": client_secret, "scope": scope}
    texts: dict[str, Any] = {"token_endpoint": token_endpoint, "client_id": client_id}
    texts.update((name, value) for name, value in options.items() if value is not None)
    _check_texts(**texts)
    for name, value in texts.items():
        if not value:
            raise ValueError(f"{name} must not be empty; leave out what you do not have")
    if origin(token_endpoint) is None:
        raise ValueError(
            f"token_endpoint {describe(token_endpoint)} has no scheme and host, as in "
            "'https://login.example.com/oauth/token'"
        )
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
        async def call(refresh_token: str | None) -> TokenPair:
            sender = api.create()
            sender.observers.extend(api.observers)
            sender.defaults = default_config()
            sender.defaults.adapter = api.defaults.adapter
            sender.defaults.proxy = api.defaults.proxy
            answer = sender.post(
                self.token_endpoint,
                headers={
                    "Accept": "application/json",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                timeout=timeout,
                validate_status=None,
                before_redirect=lambda request: _stay_at(self.token_endpoint, request),
                **self._asking_with(refresh_token),
            )
            response: Response = await api.runtime.maybe_await(answer)
            return _pair_or_error(response, _PATHS, _is_dead, "no error of RFC 6749")

        return api.runtime.adapt(call)  # type: ignore[no-any-return]

    def _asking_with(self, refresh_token: str | None) -> dict[str, Any]:
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if self.scope is not None:
            fields["scope"] = self.scope
        if self.client_secret is not None and self.auth == "basic":
            # Both are encoded like a form before they are joined (RFC 6749, section 2.3.1).
            auth = quote_plus(self.client_id), quote_plus(self.client_secret)
            return {"data": fields, "auth": auth}
        fields["client_id"] = self.client_id
        if self.client_secret is not None:
            fields["client_secret"] = self.client_secret
        return {"data": fields}


def _check_texts(**texts: object) -> None:
    for name, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")


def _pair_or_error(
    response: Response,
    paths: tuple[str, str, str],
    rejected: Callable[[Response], bool] | None,
    unnamed: str | None = None,
) -> TokenPair:
    """Return the pair of an answer, whatever else is in it (20)."""
    problem = None
    if 200 <= response.status < 300:
        try:
            return pair_in(response.data, paths)
        except RefreshError as unusable:
            problem = unusable
    error = error_for(response, rejected, unnamed)
    raise error if problem is None or error.rejected else problem


def _is_dead(response: Response) -> bool:
    return is_dead_token(response.status, response.data)


def _stay_at(url: str, request: Any) -> None:
    """Refuse to take a refresh token to another origin, where a redirect may lead."""
    if origin(str(request.url)) != origin(url):
        raise RefreshError("the refresh call was redirected to another origin")
