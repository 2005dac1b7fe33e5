"""The original module in its literal port: two interceptors, a flag and a queue."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zustax.transport import RequestError

from .stage import Contender, Tokens, perform
from .words import told

sys.path.insert(0, str(Path(__file__).parents[3] / "examples"))

from literal_port.api import config
from literal_port.store.user import UserState, use_user_store


class Original(Contender):
    """A program that uses the port."""

    name = "original, ported"

    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None:
        module: Any = importlib.reload(config)  # its state is that of the module
        module.instance.defaults.base_url = url
        if timeout is not None:
            module.instance.defaults.timeout = timeout
        module.redirect = lambda path: tell(f"to {path}")
        self._instance = module.instance
        use_user_store.set_state(UserState())

    async def get(self, path: str) -> str:
        try:
            await self._instance.get(path)
        except RequestError as error:
            return told(error)
        return "ok"

    def login(self, tokens: Tokens) -> None:
        use_user_store.set_state(
            {
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "is_login": True,
            }
        )

    def logout(self) -> None:
        use_user_store.set_state(UserState())

    def forget_refresh_token(self) -> None:
        use_user_store.set_state({"refresh_token": None})

    @property
    def access_token(self) -> str | None:
        return use_user_store.get_state().access_token


if __name__ == "__main__":
    perform(Original)
