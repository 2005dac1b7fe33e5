"""A store that remembers what was done to it, and can go back.

    store = create_store(devtools(initializer, name="todos"))
    store.set_state({"done": 1}, None, "finish")
    store.devtools.history        # what was done, from which state to which
    store.devtools.jump_to(0)     # the state before the first action
    store.devtools.export_json()  # a file for Redux DevTools

`recording` keeps the actions, `snapshots` knows what is secret, `lifted` the form of the file.
"""

import json
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial as bind
from types import FrameType
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload

import attrs

from ..checks import is_function, require_initializer
from ..vanilla import Initializer, SetState, Store
from .immer import Drafting
from .lifted import from_json, to_json
from .parts import entries_of
from .recording import RecordedAction, Recording, Timeline
from .snapshots import Json, Snapshots
from .typing import Absent, Enhanced

T = TypeVar("T")
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")

_ANONYMOUS = "anonymous"
_PACKAGE = __name__.rpartition(".middleware")[0]
_EVENT_LOOP = "asyncio.events"


class Devtools(Generic[T]):
    """What `devtools` adds to a store, as `store.devtools`.

    All methods may be called from any thread.

    Args:
        store: The store.
        set_state: Changes its state and records nothing.
        name: What the store is called.
        max_age: How many states are kept.
        snapshots: Knows what is never shown.
        anonymous_action_type: The name of an action that is given none.
    """

    def __init__(
        self,
        store: Store[T],
        set_state: SetState[T],
        *,
        name: str | None,
        max_age: int,
        snapshots: Snapshots,
        anonymous_action_type: str | None,
    ) -> None:
        self.name = name
        self._store = store
        self._set_state: SetState[Any] = set_state
        self._anonymous_action_type = anonymous_action_type
        self._is_recording = False
        self._recording = Recording(store.get_state, max_age)
        self._snapshots = snapshots

    @property
    def is_recording(self) -> bool:
        """Whether changes are being recorded."""
        return self._is_recording

    @property
    def history(self) -> tuple[RecordedAction, ...]:
        """What was done, the oldest first, as plain data without secrets."""
        take = self._snapshots.take
        return tuple(
            attrs.evolve(
                recorded,
                action=take(recorded.action),
                before=take(recorded.before),
                after=take(recorded.after),
            )
            for recorded in self._recording.timeline().actions
        )

    def start(self, state: T, *, is_recording: bool) -> None:
        """Begin with the first state; `devtools` calls this."""
        self._recording.restart(state)
        self._is_recording = is_recording

    def set_state(self, partial: Any, replace: bool | None = None, action: object = None) -> None:
        """Change the state and record it; with `devtools` this is `store.set_state`.

        Args:
            partial: As in `Store.set_state`.
            replace: As in `Store.set_state`.
            action: What the change is called: a text, or a dict with a `type`. Default: the name of
                the function that makes the call.
        """
        recorded: list[RecordedAction] = []
        try:
            if self._is_recording:
                partial = bind(self._record, recorded, partial, self._describe(action))
            self._set_state(partial, replace, action)
        except BaseException:
            for failed in recorded:
                self._recording.withdraw(failed)
            raise
        finally:
            del partial, action  # tracebacks are printed with their local variables: no tokens

    def jump_to(self, position: int) -> None:
        """Go back, or forward, to the state that an action has left.

        Secrets stay as they are now. What is done afterwards is recorded behind the newest action.

        Args:
            position: The `id` of the action in `history`, or 0 for the state before the oldest.

        Raises:
            ValueError: If there is no such action, or it was too old to be kept.
            Exception: Whatever a listener raises.
        """
        timeline = self._recording.timeline()
        self._set_state(bind(self._jump, position, timeline.state_at(position)), True)

    def reset(self) -> None:
        """Go back to the state that the store began with, and forget all actions.

        Secrets stay as they are now.

        Raises:
            Exception: Whatever a listener raises.
        """
        self._set_state(bind(self._restart, self._store.get_initial_state()), True)

    def commit(self) -> None:
        """Forget all actions; from now on `jump_to(0)` goes to the present state."""
        self._recording.restart(self._store.get_state())

    def pause(self) -> None:
        """Record nothing until `resume` is called."""
        self._recording.settle()
        self._is_recording = False

    def resume(self) -> None:
        """Record from now on."""
        self._is_recording = True

    def export_json(self, indent: int | None = None) -> str:
        """Write what is recorded as the lifted state of Redux DevTools, for a file that it opens.

        It has no secrets. What JSON does not know is there as text, and comes back as text.

        Args:
            indent: By how many spaces to indent. Default: None, all on one line.
        """
        lifted = to_json(
            self._recording.timeline(), self._snapshots.take, is_paused=not self._is_recording
        )
        return json.dumps(lifted, indent=indent)

    def import_json(self, text: str) -> None:
        """Take over a recording, and the state that it says is the present one.

        Secrets, and the functions in a dict state, stay as they are now.

        Args:
            text: What `export_json` has returned, or a file that Redux DevTools has written.

        Raises:
            ValueError: If it is neither. Nothing has changed then.
            Exception: Whatever a validator of an attrs class raises; nothing has changed then. Or
                what a listener raises.
        """
        try:
            timeline = from_json(text, self._revive)
        finally:
            del text
        self._set_state(bind(self._adopt, timeline), True)

    def _record(
        self, recorded: list[RecordedAction], partial: Any, action: dict[str, Any], state: T
    ) -> Any:
        """Compute what is set, and record it while the store's lock still keeps others out."""
        try:
            if is_function(partial):
                partial = partial(state)
            recorded.append(self._recording.begin(action))
            return partial
        finally:
            del partial, action, state

    def _jump(self, position: int, earlier: T, state: T) -> T:
        try:
            self._recording.move_to(position)
            return self._with_present_secrets(earlier)
        finally:
            del earlier, state

    def _restart(self, initial: T, state: T) -> T:
        try:
            initial = self._with_present_secrets(initial)
            self._recording.restart(initial)
            return initial
        finally:
            del initial, state

    def _adopt(self, timeline: Timeline, state: T) -> T:
        try:
            self._recording.adopt(timeline)
            return self._with_present_secrets(timeline.state_at(timeline.position))
        finally:
            del state

    def _revive(self, snapshot: Json) -> T:
        try:
            state: T = self._snapshots.revive(snapshot, self._store.get_state())
            return state
        finally:
            del snapshot

    def _with_present_secrets(self, earlier: T) -> T:
        try:
            restored: T = self._snapshots.with_secrets_of(self._store.get_state(), earlier)
            return restored
        finally:
            del earlier

    def _describe(self, action: object) -> dict[str, Any]:
        if action is None:
            return {"type": self._anonymous_action_type or _name_of_caller() or _ANONYMOUS}
        if isinstance(action, str):
            return {"type": action}
        if isinstance(action, Mapping):
            return dict(action)
        return {"type": type(action).__name__, **entries_of(action)}


class DevtoolsKeywords(TypedDict, total=False):
    """The keywords of `devtools`, which describes them."""

    name: str | None
    enabled: bool
    max_age: int
    secret: Collection[str]
    anonymous_action_type: str | None


@overload
def devtools(  # type: ignore[overload-overlap]
    initializer: Drafting[T, P, D, R], **options: Unpack[DevtoolsKeywords]
) -> Drafting[T, P, Devtools[T], R]: ...


@overload
def devtools(  # type: ignore[overload-overlap]
    initializer: Enhanced[T, P, D, R], **options: Unpack[DevtoolsKeywords]
) -> Enhanced[T, P, Devtools[T], R]: ...


@overload
def devtools(
    initializer: Initializer[T], **options: Unpack[DevtoolsKeywords]
) -> Enhanced[T, Absent, Devtools[T], Absent]: ...


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

    What `set_state` changes is recorded, with the name of the action if it is given as its third
    argument; actions that `redux` dispatches are recorded by themselves. What a middleware around
    this one does on its own is not recorded, so this one is best the outermost.

    Args:
        initializer: The initializer to wrap.
        name: What the store is called. Default: nothing.
        enabled: Whether to record from the beginning. Default: True. If not, a change costs no more
            than one call, and `store.devtools.resume()` begins to record.
        max_age: How many states are kept, that before the oldest action included; the oldest
            actions are dropped. Default: 50.
        secret: Names of entries and fields whose values are never shown, besides tokens, passwords
            and the like, which never are, and fields of attrs classes with
            `metadata={"secret": True}`. Default: none.
        anonymous_action_type: The name of an action that is given none. Default: the name of the
            function that set the state, or `anonymous` where that has no name.

    Returns:
        An initializer, for `create_store` or another middleware. The store has `store.devtools`, as
        `Devtools` describes.

    Raises:
        TypeError: If the initializer is no function, or `secret` is a single text.
        ValueError: If `max_age` is no whole number, or less than 2.
    """
    require_initializer(initializer)
    if not isinstance(max_age, int) or max_age < 2:
        raise ValueError(
            f"max_age must be an int of at least 2 (one state before, one after), not {max_age!r}"
        )
    snapshots = Snapshots(secret)

    def with_devtools(set_state: SetState[T], get_state: Callable[[], T], store: Any, /) -> T:
        store.devtools = tools = Devtools(
            store,
            set_state,
            name=name,
            max_age=max_age,
            snapshots=snapshots,
            anonymous_action_type=anonymous_action_type,
        )
        store.set_state = tools.set_state
        state: T = initializer(tools.set_state, get_state, store)
        tools.start(state, is_recording=enabled)
        return state

    return Drafting(with_devtools) if isinstance(initializer, Drafting) else Enhanced(with_devtools)


def _name_of_caller() -> str | None:
    """Give the name of the function that set the state, None if it has none of its own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _module(frame).startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None or _module(frame) == _EVENT_LOOP or frame.f_code.co_name.startswith("<"):
        return None
    return frame.f_code.co_name


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
