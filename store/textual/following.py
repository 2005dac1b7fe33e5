"""What one widget follows, from its mounting to its removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .binding import Binding
from .frames import Frames, frames_of


class Following:
    """The bindings of one widget. All of it runs in the thread of the app.

    Args:
        wake: Has the widget call `catch_up` soon, in its own task; gives False if it is too late.
    """

    def __init__(self, wake: Callable[[], bool]) -> None:
        self._wake = wake
        self._is_woken = False
        self._is_live = False
        self._waiting: list[Binding[Any, Any]] = []
        self._bindings: list[Binding[Any, Any]] = []
        self._frames: set[Frames] = set()

    def add(self, binding: Binding[Any, Any]) -> None:
        """Begin with a binding once the widget is there."""
        self._waiting.append(binding)
        if self._is_live:
            self._wake_once()

    async def begin(self) -> None:
        """Begin: the widget is mounted."""
        self._is_live = True
        await self.catch_up()

    async def catch_up(self) -> None:
        """Apply what has changed, and begin with what is new."""
        self._is_woken = False
        try:
            for binding in tuple(self._bindings):
                await binding.catch_up()
            while self._waiting:
                await self._start(self._waiting.pop(0))
        except BaseException:
            self.end()  # the app ends, and where it ends while it mounts it unmounts nothing
            raise

    def end(self) -> None:
        """End for good: the widget is gone."""
        self._is_live = False
        for frames in self._frames:
            frames.leave(self._look)
        self._frames.clear()
        self._bindings.clear()

    async def _start(self, binding: Binding[Any, Any]) -> None:
        frames = frames_of(binding.store)
        frames.join(self._look)  # before the first slice is taken: a change after that is heard of
        self._frames.add(frames)
        self._bindings.append(binding)
        await binding.start()

    def _look(self) -> None:
        if any(binding.is_behind() for binding in self._bindings):
            self._wake_once()

    def _wake_once(self) -> None:
        if not self._is_woken:
            self._is_woken = self._wake()
