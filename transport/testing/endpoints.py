"""A `TokenAuthority` behind HTTP: what a server that behaves answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from .authority import AuthorityError, TokenAuthority
from .messages import Answer, SeenRequest

_FORM = "application/x-www-form-urlencoded"


@frozen
class Endpoints:
    """Where an authority is reached; all other paths are protected resources.

    | path      | takes, as JSON or as a form | answers                                       |
    | --------- | --------------------------- | --------------------------------------------- |
    | `login`   | `username`, `password`      | tokens, or 401                                |
    | `refresh` | `refresh_token`             | tokens, or 401                                |
    | `logout`  | `refresh_token`             | 204, also for an unknown token                |
    | any other | a bearer token              | `{"user", "number"}` of the token, or 401     |

    A body without these fields is answered 400.

    Args:
        login: A path.
        refresh: A path.
        logout: A path.
    """

    login: str = "/auth/login"
    refresh: str = "/auth/refresh"
    logout: str = "/auth/logout"

    def answer(self, authority: TokenAuthority, request: SeenRequest) -> Answer:
        """Answer a request as ``authority`` decides."""
        try:
            return self._function_at(request.path)(authority, request)
        except AuthorityError as error:
            return Answer(error.status, {"error": error.code})
        except (KeyError, TypeError, ValueError):
            return Answer(400, {"error": "invalid_request"})

    def _function_at(self, path: str) -> Callable[[TokenAuthority, SeenRequest], Answer]:
        functions = {self.login: _login, self.refresh: _refresh, self.logout: _logout}
        return functions.get(path, _resource)


def _login(authority: TokenAuthority, request: SeenRequest) -> Answer:
    fields = _fields(request)
    return Answer(body=authority.login(fields["username"], fields["password"]).as_dict())


def _refresh(authority: TokenAuthority, request: SeenRequest) -> Answer:
    return Answer(body=authority.refresh(_fields(request)["refresh_token"]).as_dict())


def _logout(authority: TokenAuthority, request: SeenRequest) -> Answer:
    authority.logout(_fields(request)["refresh_token"])
    return Answer(204)


def _resource(authority: TokenAuthority, request: SeenRequest) -> Answer:
    claims = authority.verify(request.token or "")
    return Answer(body={"user": claims.username, "number": claims.number})


def _fields(request: SeenRequest) -> Any:
    if request.headers.get("content-type", "").startswith(_FORM):
        return request.form()
    return request.json()
