"""A program under test: an instance with silent refresh over a store, on an `AuthServer`."""

from __future__ import annotations

from typing import Any, Self

from zustax.transport import Instance, RefreshStats, SyncInstance, silent_refresh
from zustax.transport.testing import SignalRecorder

from .clients import Call, Client
from .server import AuthServer
from .stores import USER_STORE, StoreKind, tokens_in
from .waiting import wait_until


class App:
    """The program. A context manager: at its end nothing is held any more, and all is closed.

    Args:
        server: Whom it talks to.
        client: What it makes requests with.
        store: Shared with another program. Default: one of its own.
        store_kind: Of which kind the store is.
        **options: For `silent_refresh`.

    Attributes:
        server: Whom it talks to.
        client: What it makes requests with.
        store: Its store.
        handle: What `silent_refresh` gave.
        signals: What was signalled about its instance.
    """

    def __init__(
        self,
        server: AuthServer,
        client: Client,
        *,
        store: Any = None,
        store_kind: StoreKind = USER_STORE,
        **options: Any,
    ) -> None:
        self.server = server
        self.client = client
        self._kind = store_kind
        self.store: Any = store_kind.make() if store is None else store
        self.handle = silent_refresh(client.api, self.store, **options)
        self.signals = SignalRecorder(client.api)

    def __enter__(self) -> Self:
        self.signals.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.open_gates()
        self.client.close()
        self.signals.__exit__(None, None, None)

    @property
    def api(self) -> Instance | SyncInstance:
        """Its instance."""
        return self.client.api

    @property
    def tokens(self) -> tuple[str | None, str | None]:
        """The access token and the refresh token in its store."""
        return tokens_in(self.store)

    @property
    def stats(self) -> RefreshStats:
        """The counters of its silent refresh."""
        return self.handle.stats

    def login(self, username: str = "ada") -> Self:
        """Log a user in: at the server and in the store, without a request."""
        self._kind.login(self.store, self.server.login(username))
        return self

    def logout(self) -> None:
        """Log out of the store."""
        self._kind.logout(self.store)

    def get(self, path: str, **options: Any) -> Call:
        """Start a GET request."""
        return self.client.start(lambda api: api.get(path, **options))

    def post(self, path: str, data: Any, **options: Any) -> Call:
        """Start a POST request."""
        return self.client.start(lambda api: api.post(path, data, **options))

    def get_together(self, count: int, path: str = "/items") -> list[Call]:
        """Start GET requests none of which is answered before all of them have arrived."""
        arrived = self.server.count(path)
        gate = self.server.hold(path)
        calls = [self.get(path) for _ in range(count)]
        self.server.wait_for(arrived + count, path)
        gate.open()
        return calls

    def wait_for_waiting(self, count: int) -> None:
        """Block until ``count`` requests, since the beginning, have waited for a refresh."""
        wait_until(lambda: self.stats.waited >= count)

    def close(self) -> list[str]:
        """Let everything end, and give the names of all that was signalled."""
        self.client.close()
        return self.signals.names
