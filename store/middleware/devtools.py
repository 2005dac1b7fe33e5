"""A store that remembers what was done to it, and can go back.

    store = create_store(devtools(initializer, name="todos"))
    store.set_state({"done": 1}, None, "finish")
    store.devtools.history        # what was done, from which state to which
    store.devtools.jump_to(0)     # the state before the first action
    store.devtools.export_json()  # a file for Redux DevTools

Secrets are never shown.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping
from types import FrameType
from typing import Any, Generic, TypedDict, Unpack, overload

import attrs

from ..checks import fitted_initializer, is_function
from ..tracebacks import cut_frames, cuts_frames
from ..types import Absent, D, Drafting, Enhanced, P, R, SetState, ShortInitializer, T
from ..vanilla import Initializer, Store
from .history import History, RecordedAction
from .redacted import Redactor, entries_of
from .redux_devtools import from_json, to_json

_ANONYMOUS = "anonymous"
_PACKAGE = __name__.rpartition(".middleware")[0]
_EVENT_LOOP = "asyncio.events"


@attrs.define(eq=False, repr=False, slots=False)
class Devtools(Generic[T]):
    """What ``devtools`` adds to a store, as ``store.devtools``.

    All methods may be called from any thread.

    Attributes:
        name: What the store is called.
        is_recording: Whether changes are being recorded.
    """

    name: str | None
    _store: Store[T]
    _set_state: SetState[Any]
    _history: History
    _redactor: Redactor
    _anonymous_action_type: str | None
    is_recording: bool = False

    @property
    def history(self) -> tuple[RecordedAction, ...]:
        """What was done, the oldest first, as plain data without secrets."""
        redacted = self._redactor.redacted
        return tuple(
            attrs.evolve(
                recorded,
                action=redacted(recorded.action),
                before=redacted(recorded.before),
                after=redacted(recorded.after),
            )
            for recorded in self._history.timeline().actions
        )

    def start(self, state: T, *, is_recording: bool) -> None:
        """Begin with the first state; ``devtools`` calls this."""
        self._history.restart(state)
        self.is_recording = is_recording

    def set_state(self, partial: Any, replace: bool | None = None, action: object = None) -> None:
        """Change the state as ``Store.set_state`` does, and record it; it is ``store.set_state``.

        Args:
            partial: As in ``Store.set_state``.
            replace: As in ``Store.set_state``.
            action: What the change is called: a text, or a dict with a ``type``. Default: the name
                of the function that makes the call.
        """
        try:
            if self.is_recording:
                self._set_and_record(partial, replace, action)
            else:
                self._set_state(partial, replace, action)
        except BaseException as error:
            cut_frames(error)
            raise

    def _set_and_record(self, partial: Any, replace: bool | None, action: object) -> None:
        described = self._describe(action)
        recorded: list[RecordedAction] = []

        def record(state: T) -> Any:
            """Compute what is set, and record it while the store's lock keeps others out."""
            changes = partial(state) if is_function(partial) else partial
            recorded.append(self._history.begin(described))
            return changes

        try:
            self._set_state(record, replace, action)
        except BaseException:
            for failed in recorded:
                self._history.withdraw(failed)
            raise

    @cuts_frames
    def jump_to(self, position: int) -> None:
        """Go back, or forward, to the state that an action has left.

        Secrets stay as they are now. What is done afterwards is recorded behind the newest action.

        Args:
            position: The ``id`` of the action in ``history``, or 0 for the state before the oldest.

        Raises:
            ValueError: If there is no such action, or it was too old to be kept.
        """
        earlier = self._history.timeline().state_at(position)
        self._go_to(earlier, lambda _: self._history.move_to(position))

    @cuts_frames
    def reset(self) -> None:
        """Go back to the state that the store began with, but for secrets; forget all actions."""
        self._go_to(self._store.get_initial_state(), self._history.restart)

    def commit(self) -> None:
        """Forget all actions; from now on ``jump_to(0)`` goes to the present state."""
        self._history.restart(self._store.get_state())

    def pause(self) -> None:
        """Record nothing until ``resume`` is called."""
        self._history.settle()
        self.is_recording = False

    def resume(self) -> None:
        """Record from now on."""
        self.is_recording = True

    @cuts_frames
    def export_json(self, indent: int | None = None) -> str:
        """Write what is recorded as the lifted state of Redux DevTools, for a file that it opens.

        It has no secrets. What JSON does not know is there as text, and comes back as text.

        Args:
            indent: By how many spaces to indent. Default: None, all on one line.
        """
        lifted = to_json(
            self._history.timeline(), self._redactor.redacted, is_paused=not self.is_recording
        )
        return json.dumps(lifted, indent=indent)

    @cuts_frames
    def import_json(self, text: str) -> None:
        """Take over a recording, and the state that it says is the present one.

        Secrets, and the functions in a dict state, stay as they are now.

        Args:
            text: What ``export_json`` has returned, or a file that Redux DevTools has written.

        Raises:
            ValueError: If it is neither. Nothing has changed then, nor after an error of a
                validator.
        """
        present = self._store.get_state()
        timeline = from_json(text, lambda data: self._redactor.revive(data, present))
        earlier = timeline.state_at(timeline.position)
        self._go_to(earlier, lambda _: self._history.adopt(timeline))

    def _go_to(self, earlier: T, note: Callable[[T], object]) -> None:
        def replace(_: T) -> Any:
            state = self._redactor.with_secrets_of(self._store.get_state(), earlier)
            note(state)
            return state

        self._set_state(replace, True)

    def _describe(self, action: object) -> dict[str, Any]:
        if action is None:
            return {"type": self._anonymous_action_type or _name_of_caller() or _ANONYMOUS}
        if isinstance(action, str):
            return {"type": action}
        if isinstance(action, Mapping):
            return dict(action)
        return {"type": type(action).__name__, **entries_of(action)}


class DevtoolsKeywords(TypedDict, total=False):
    """The keywords of ``devtools``, which describes them."""

    name: str | None
    enabled: bool
    max_age: int
    secret: Collection[str]
    anonymous_action_type: str | None


@overload
def devtools(
    initializer: Drafting[T, P, D, R], **options: Unpack[DevtoolsKeywords]
) -> Drafting[T, P, Devtools[T], R]: ...


@overload
def devtools(
    initializer: Enhanced[T, P, D, R], **options: Unpack[DevtoolsKeywords]
) -> Enhanced[T, P, Devtools[T], R]: ...


@overload
def devtools(
    initializer: Initializer[T], **options: Unpack[DevtoolsKeywords]
) -> Enhanced[T, Absent, Devtools[T], Absent]: ...


@overload
def devtools(
    initializer: ShortInitializer[T], **options: Unpack[DevtoolsKeywords]
) -> Enhanced[T, Absent, Devtools[T], Absent]: ...


@cuts_frames
def devtools(
    initializer: Any,
    *,
    name: str | None = None,
    enabled: bool = True,
    max_age: int = 50,
    secret: Collection[str] = (),
    anonymous_action_type: str | None = None,
) -> Any:
    """Record what is done to a store, for time travel and for Redux DevTools.

    What ``set_state`` changes is recorded, with the name of the action if it is given as its third
    argument; actions that ``redux`` dispatches are recorded by themselves. What a middleware around
    this one does on its own is not recorded, so put this one outermost.

    Args:
        initializer: The initializer to wrap.
        name: What the store is called. Default: nothing.
        enabled: Whether to record from the beginning. Default: True. If not, a change costs no more
            than one call, and ``store.devtools.resume()`` begins to record.
        max_age: How many states are kept, that before the oldest action included; the oldest
            actions are dropped. Default: 50.
        secret: Names of entries and fields whose values are never shown. Tokens, passwords and the
            like, and fields of attrs classes with ``metadata={"secret": True}``, are always hidden.
            Default: none.
        anonymous_action_type: The name of an action that is given none. Default: the name of the
            function that set the state, or ``anonymous`` where that has no name.

    Returns:
        An initializer, for ``create_store`` or another middleware. The store has
        ``store.devtools``, as ``Devtools`` describes.

    Raises:
        TypeError: If the initializer is not a function, or ``secret`` is a single text.
        ValueError: If ``max_age`` is not a whole number, or less than 2.
    """
    make = fitted_initializer(initializer)
    if not isinstance(max_age, int) or max_age < 2:
        raise ValueError(
            f"max_age must be an int of at least 2 (one state before, one after), not {max_age!r}"
        )
    redactor = Redactor(secret)

    def with_devtools(set_state: SetState[T], get_state: Callable[[], T], store: Any, /) -> T:
        history = History(store.get_state, max_age)
        store.devtools = tools = Devtools[T](
            name, store, set_state, history, redactor, anonymous_action_type
        )
        store.set_state = tools.set_state
        state: T = make(tools.set_state, get_state, store)
        tools.start(state, is_recording=enabled)
        return state

    return Drafting(with_devtools) if isinstance(initializer, Drafting) else Enhanced(with_devtools)


def _name_of_caller() -> str | None:
    """Return the name of the function that set the state, None if it has none of its own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _module(frame).startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None or _module(frame) == _EVENT_LOOP or frame.f_code.co_name.startswith("<"):
        return None
    return frame.f_code.co_name


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
