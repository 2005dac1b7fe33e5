"""The fixtures of the kit fit together."""

from __future__ import annotations

from collections.abc import Callable

from zustax.store import UserStore
from zustax.transport import SyncInstance, create_sync, silent_refresh
from zustax.transport.testing import Clock, MisbehavingServer, SignalRecorder, TokenAuthority


def test_the_server_stands_in_front_of_the_authority_that_goes_by_the_clock(
    misbehaving_server: MisbehavingServer,
    authority: TokenAuthority,
    clock: Clock,
    record_signals: Callable[[SyncInstance], SignalRecorder],
) -> None:
    store = UserStore()
    with create_sync(base_url=misbehaving_server.url) as api:
        silent_refresh(api, store)
        signals = record_signals(api)
        tokens = misbehaving_server.login("ada")
        store.login(tokens.access_token, tokens.refresh_token)
        assert api.get("/items").data == {"user": "ada", "number": 1}
        clock.advance(tokens.expires_in)
        assert api.get("/items").data == {"user": "ada", "number": 2}
        assert signals.wait_for("token_refreshed")["tokens"].access_token
    assert authority.journal.count("refresh") == 1
