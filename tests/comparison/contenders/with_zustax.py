"""zustax: ``create``, ``silent_refresh`` and a `UserStore`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.store import UserStore
from zustax.transport import RequestError, create, login_required, silent_refresh

from .stage import REFRESH, Contender, Tokens, perform
from .words import told


class WithZustax(Contender):
    """A program that uses zustax."""

    name = "**zustax**"

    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None:
        self._store = UserStore()
        self._api = create(base_url=url)
        options: Any = {} if timeout is None else {"timeout": timeout}
        silent_refresh(self._api, self._store, url=REFRESH, **options)

        @login_required.connect_via(self._api)
        def show_login(_sender: Any, **_details: Any) -> None:
            tell("`login_required`")

    async def get(self, path: str) -> str:
        try:
            await self._api.get(path)
        except RequestError as error:
            return told(error)
        return "ok"

    def login(self, tokens: Tokens) -> None:
        self._store.login(tokens["access_token"], tokens["refresh_token"])

    def logout(self) -> None:
        self._store.logout()

    def forget_refresh_token(self) -> None:
        self._store.set_state({"refresh_token": None})

    @property
    def access_token(self) -> str | None:
        return self._store.get_state().access_token


if __name__ == "__main__":
    perform(WithZustax)
