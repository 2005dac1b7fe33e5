from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from zustax.transport import SyncInstance, create_sync, login_required, token_refreshed
from zustax.transport.testing import SignalRecorder


@pytest.fixture
def api() -> Iterator[SyncInstance]:
    with create_sync() as api:
        yield api


@pytest.fixture
def other() -> Iterator[SyncInstance]:
    with create_sync() as other:
        yield other


def test_signals_of_one_instance_are_noted_with_what_came_along(
    api: SyncInstance, other: SyncInstance
) -> None:
    with SignalRecorder(api) as signals:
        login_required.send(api, reason="no_refresh_token", error=None, config=None)
        login_required.send(other, reason="refresh_rejected", error=None, config=None)
    (sent,) = signals.sent("login_required")
    assert sent.sender is api
    assert sent["reason"] == sent.details["reason"] == "no_refresh_token"


def test_signals_of_all_instances_are_noted_in_their_order(
    api: SyncInstance, other: SyncInstance
) -> None:
    with SignalRecorder() as signals:
        token_refreshed.send(other, tokens=None)
        login_required.send(api, reason="refresh_rejected", error=None, config=None)
    assert signals.names == ["token_refreshed", "login_required"]
    assert [sent.sender for sent in signals.sent()] == [other, api]


def test_nothing_is_noted_before_and_behind_the_block(api: SyncInstance) -> None:
    token_refreshed.send(api, tokens=None)
    with SignalRecorder(api) as signals:
        pass
    token_refreshed.send(api, tokens=None)
    assert signals.names == []
    assert not list(token_refreshed.receivers_for(api))


def test_a_recorder_is_disconnected_by_an_error_too(api: SyncInstance) -> None:
    with pytest.raises(LookupError), SignalRecorder(api):
        raise LookupError
    assert not list(token_refreshed.receivers_for(api))


def test_a_recorder_is_let_go_of_behind_its_block(api: SyncInstance) -> None:
    with SignalRecorder(api) as signals:
        pass
    gone = weakref.ref(signals)
    del signals
    gc.collect()
    assert gone() is None


def test_the_last_of_those_that_were_waited_for_is_given(api: SyncInstance) -> None:
    with SignalRecorder(api) as signals:
        for reason in ("no_refresh_token", "refresh_rejected", "still_unauthorized"):
            login_required.send(api, reason=reason, error=None, config=None)
        assert signals.wait_for("login_required", 2)["reason"] == "refresh_rejected"


async def test_waiting_leaves_the_event_loop_free(api: SyncInstance) -> None:
    with SignalRecorder(api) as signals:
        waiting = asyncio.create_task(signals.wait_for_async("token_refreshed"))
        await asyncio.sleep(0)
        assert not waiting.done()
        token_refreshed.send(api, tokens=None)
        assert (await waiting).name == "token_refreshed"


def test_waiting_for_a_signal_that_is_not_sent_fails(api: SyncInstance) -> None:
    with SignalRecorder(api) as signals:
        token_refreshed.send(api, tokens=None)
        with pytest.raises(AssertionError) as caught:
            signals.wait_for("login_required", bound=0.01)
    assert str(caught.value) == (
        "after 0.01 seconds login_required was sent 0 times, and not 1; in all: ['token_refreshed']"
    )


def test_a_signal_that_does_not_exist_is_refused(api: SyncInstance) -> None:
    with pytest.raises(ValueError, match=r"no signal 'logged_out'; choose from token_refreshed, "):
        SignalRecorder(api).sent("logged_out")
