"""A refresh as OAuth 2.0 has it (RFC 6749, section 6), for `silent_refresh`.

Example:
    refresh = oauth2_refresh("https://login.example.com/oauth/token", "my-app", "my-secret")
    silent_refresh(api, store, refresh=refresh)

"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args
from urllib.parse import quote_plus

from attrs import field, frozen

from .errors import RefreshError, describe
from .instance import default_config
from .posting import ReadyRefresh, StayAt, is_success, pair_in, sender_for
from .response import Response
from .tokens import TokenPair
from .urls import origin

#: How a client with a secret shows it (RFC 6749, section 2.3.1).
ClientAuth = Literal["basic", "post"]

#: What an error may be called (RFC 6749, section 5.2). Nothing else of an answer is ever shown: it
#: may repeat the token.
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


def oauth2_refresh(
    token_endpoint: str,
    client_id: str,
    client_secret: str | None = None,
    scope: str | None = None,
    auth: ClientAuth = "basic",
) -> ReadyRefresh:
    """Renew the access token at the token endpoint of an OAuth 2.0 server.

    The request is sent with the connections of the instance that it is used for, and with none of
    its defaults: what is meant for the API is no business of the authorization server.

    An answer with the error ``invalid_grant`` ends the session. Any other error does not: the
    client may be configured wrongly, which is no fault of the user's.

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
        del client_secret
        raise problem
    if auth not in get_args(ClientAuth):
        del client_secret
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
            sender = sender_for(api)
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
                before_redirect=StayAt(self.token_endpoint),
                **self._credentials(),
            )
            response: Response = await api.runtime.settle(sending)
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
    if not is_success(response.status):
        error = answer.get("error") if isinstance(answer, Mapping) else None
        name = error if isinstance(error, str) and error in _ERRORS else "no error of RFC 6749"
        raise RefreshError(
            f"the token endpoint answered {response.status}, {name}",
            rejected=name == "invalid_grant" and 400 <= response.status < 500,
        )
    kind = answer.get("token_type", "bearer") if isinstance(answer, Mapping) else "bearer"
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise RefreshError("the token endpoint gave a token that is no bearer token (RFC 6750)")
    return pair_in(answer)


def _problem(
    token_endpoint: object, client_id: object, client_secret: object, scope: object
) -> Exception | None:
    """What is wrong with the arguments; of the secret it names the type alone."""
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
