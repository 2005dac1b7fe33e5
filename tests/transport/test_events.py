"""Signals are blinker's, with its edges taken off."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import blinker
import pytest
from attrs import define, field
from zustax.transport import (
    Signal,
    create,
    create_sync,
    login_required,
    refresh_failed,
    token_refreshed,
)

from ..support.waiting import until


class MistakeError(Exception):
    """What a receiver raises."""


@pytest.fixture
def signal() -> Signal:
    return Signal()


class Heard:
    """Notes who heard what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    @property
    def names(self) -> list[str]:
        return [name for name, _sender, _details in self.calls]

    def by(self, name: str) -> Callable[..., str]:
        """A receiver of that name, to which nobody else refers."""

        def receiver(sender: object, **details: object) -> str:
            self.calls.append((name, sender, details))
            return name

        return receiver

    def by_async(self, name: str, gate: asyncio.Event) -> Callable[..., Any]:
        """An async receiver that waits at ``gate`` first."""
        receiver = self.by(name)

        async def waiting(sender: object, **details: object) -> str:
            await gate.wait()
            return receiver(sender, **details)

        return waiting


@pytest.fixture
def heard() -> Heard:
    return Heard()


def mistaken(_sender: object, **_details: object) -> NoReturn:
    raise MistakeError


async def mistaken_later(_sender: object, **_details: object) -> NoReturn:
    await asyncio.sleep(0)
    raise MistakeError


def logged(caplog: pytest.LogCaptureFixture) -> list[object]:
    return [record.exc_info and record.exc_info[0] for record in caplog.records]


# --- what they are ---


@pytest.mark.parametrize("public", [token_refreshed, refresh_failed, login_required])
def test_the_signals_are_blinker_signals_with_a_description(public: Signal) -> None:
    assert isinstance(public, blinker.Signal)
    assert public.__doc__ != Signal.__doc__


# --- sending ---


def test_a_receiver_is_given_the_sender_and_the_details(signal: Signal, heard: Heard) -> None:
    sender = object()
    signal.connect(heard.by("a"))
    signal.send(sender, reason="refresh_rejected")
    assert heard.calls == [("a", sender, {"reason": "refresh_rejected"})]


def test_sending_tells_what_the_receivers_returned(signal: Signal, heard: Heard) -> None:
    receivers = [signal.connect(heard.by(name)) for name in "abc"]
    assert signal.send() == list(zip(receivers, "abc", strict=True))


def test_receivers_are_called_in_the_order_in_which_they_connected(
    signal: Signal, heard: Heard
) -> None:
    names = [str(number) for number in range(50)]
    for name in names:
        signal.connect(heard.by(name))
    signal.send()
    assert heard.names == names


def test_receivers_of_one_sender_and_of_all_keep_their_order(signal: Signal, heard: Heard) -> None:
    sender = object()
    signal.connect(heard.by("for all"))
    signal.connect(heard.by("for one"), sender)
    signal.connect(heard.by("for all again"))
    signal.connect(heard.by("for one again"), sender)
    signal.send(sender)
    assert heard.names == ["for all", "for one", "for all again", "for one again"]


def test_a_receiver_that_connects_twice_is_called_once(signal: Signal, heard: Heard) -> None:
    receiver = heard.by("a")
    for _ in range(2):
        signal.connect(receiver)
    signal.send()
    assert heard.names == ["a"]


def test_a_receiver_that_connects_again_is_called_last(signal: Signal, heard: Heard) -> None:
    first = signal.connect(heard.by("a"))
    signal.connect(heard.by("b"))
    signal.disconnect(first)
    signal.connect(first)
    signal.send()
    assert heard.names == ["b", "a"]


def test_a_receiver_hears_only_of_its_sender(signal: Signal, heard: Heard) -> None:
    mine, other = object(), object()
    signal.connect(heard.by("mine"), mine)
    signal.connect(heard.by("other"), other)
    signal.connect(heard.by("any"))
    signal.send(mine)
    assert heard.names == ["mine", "any"]


@define
class Screen:
    """A receiver that equals another of the same title, as instances of attrs do."""

    title: str
    heard: Heard = field(eq=False)

    def __call__(self, sender: object, **_details: object) -> None:
        self.heard.by(self.title)(sender)

    def show_login(self, sender: object, **_details: object) -> None:
        self.heard.by(self.title)(sender)


def test_receivers_that_are_equal_are_not_taken_for_one(signal: Signal, heard: Heard) -> None:
    mine, other = object(), object()
    signal.connect(Screen("login", heard), mine)
    signal.connect(Screen("login", heard), other)
    signal.send(mine)
    assert heard.names == ["login"]


def test_methods_of_objects_that_are_equal_are_not_taken_for_one(
    signal: Signal, heard: Heard
) -> None:
    mine, other = object(), object()
    signal.connect(Screen("login", heard).show_login, mine)
    signal.connect(Screen("login", heard).show_login, other)
    signal.send(mine)
    assert heard.names == ["login"]


def test_a_receiver_that_connects_while_receivers_are_called_hears_the_next(
    signal: Signal, heard: Heard
) -> None:
    late = heard.by("late")
    signal.connect(lambda _sender, **_details: signal.connect(late))
    signal.send()
    assert heard.names == []
    signal.send()
    assert heard.names == ["late"]


# --- holding ---


def test_a_receiver_to_which_nobody_else_refers_is_held(signal: Signal, heard: Heard) -> None:
    signal.connect(heard.by("function"))
    signal.connect(Screen("object", heard))
    signal.connect(Screen("method", heard).show_login)
    gc.collect()
    signal.send()
    assert heard.names == ["function", "object", "method"]


def test_a_weak_receiver_is_forgotten_when_nobody_else_refers_to_it(
    signal: Signal, heard: Heard
) -> None:
    kept = heard.by("kept")
    signal.connect(kept, weak=True)
    signal.connect(heard.by("forgotten"), weak=True)
    gc.collect()
    signal.send()
    assert heard.names == ["kept"]


def test_a_decorated_function_stays_what_it_is(signal: Signal, heard: Heard) -> None:
    @signal.connect
    def receiver(sender: object, **_details: object) -> None:
        heard.by("decorated")(sender)

    @signal.connect_via("one")
    def receiver_of_one(sender: object, **_details: object) -> None:
        heard.by("decorated for one")(sender)

    del receiver_of_one
    gc.collect()
    receiver(None)
    signal.send("one")
    assert heard.names == ["decorated", "decorated", "decorated for one"]


def test_a_disconnected_receiver_hears_nothing(signal: Signal, heard: Heard) -> None:
    receiver = signal.connect(heard.by("a"))
    signal.disconnect(receiver)
    signal.send()
    assert heard.names == []


# --- receivers that raise ---


def test_a_receiver_that_raises_is_logged_and_silences_no_other(
    signal: Signal, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    first = signal.connect(heard.by("before"))
    signal.connect(mistaken)
    last = signal.connect(heard.by("after"))
    assert signal.send() == [(first, "before"), (last, "after")]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("zustax", logging.ERROR)
    assert repr(mistaken) in record.getMessage()
    assert logged(caplog) == [MistakeError]


def test_a_receiver_that_ends_the_program_is_not_held_up(signal: Signal) -> None:
    def quit_now(_sender: object) -> None:
        raise SystemExit(3)

    signal.connect(quit_now)
    with pytest.raises(SystemExit):
        signal.send()


# --- async receivers ---


async def test_an_async_receiver_is_started_and_not_waited_for(
    signal: Signal, heard: Heard
) -> None:
    gate = asyncio.Event()
    async with create() as api:
        signal.connect(heard.by_async("async", gate))
        plain = signal.connect(heard.by("plain"))
        assert signal.send(api, reason="a") == [(plain, "plain")]
        assert heard.names == ["plain"]
        gate.set()
        await until(lambda: len(heard.names) == 2)
    assert heard.calls[1] == ("async", api, {"reason": "a"})


async def test_closing_an_instance_lets_its_async_receivers_finish(
    signal: Signal, heard: Heard
) -> None:
    gate = asyncio.Event()
    api = create()
    signal.connect(heard.by_async("async", gate))
    signal.send(api)
    asyncio.get_running_loop().call_soon(gate.set)
    await api.aclose()
    assert heard.names == ["async"]


async def test_an_async_receiver_that_raises_is_logged(
    signal: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    async with create() as api:
        signal.connect(mistaken_later)
        signal.send(api)
    assert logged(caplog) == [MistakeError]


@pytest.mark.parametrize("sender", [create_sync(), None], ids=["synchronous instance", "nobody"])
def test_an_async_receiver_without_a_loop_is_logged_and_silences_no_other(
    signal: Signal, heard: Heard, caplog: pytest.LogCaptureFixture, sender: Any
) -> None:
    signal.connect(mistaken_later)
    signal.connect(heard.by("plain"))
    signal.send(sender)
    assert heard.names == ["plain"]
    assert logged(caplog) == [TypeError]


# --- what blinker offers for tests ---


async def test_a_muted_signal_reaches_nobody(signal: Signal, heard: Heard) -> None:
    gate = asyncio.Event()
    gate.set()
    async with create() as api:
        signal.connect(heard.by("plain"))
        signal.connect(heard.by_async("async", gate))
        with signal.muted():
            assert signal.send(api) == []
    assert heard.names == []
    signal.send(None)
    assert "plain" in heard.names


def test_a_receiver_is_connected_for_a_block(signal: Signal, heard: Heard) -> None:
    sender = object()
    with signal.connected_to(heard.by("a"), sender):
        signal.send(sender)
        signal.send(object())
    signal.send(sender)
    assert heard.names == ["a"]


def test_a_receiver_is_disconnected_when_its_block_raises(signal: Signal, heard: Heard) -> None:
    with pytest.raises(MistakeError), signal.connected_to(heard.by("a")):
        raise MistakeError
    signal.send()
    assert heard.names == []


def test_a_signal_knows_whether_anybody_listens(signal: Signal, heard: Heard) -> None:
    sender = object()
    assert not signal.has_receivers_for(sender)
    signal.connect(heard.by("a"), sender)
    assert signal.has_receivers_for(sender)
    assert not list(signal.receivers_for(object()))
