"""What the app shows: a state, and the functions that change it from any thread."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from zustax.store import UserState, create_store, devtools

#: What can be loaded, and whether a task or a thread does it.
PATHS: Mapping[str, str] = {
    "/me": "task",
    "/items": "task",
    "/reports": "thread",
    "/archive": "thread",
}

#: How many lines of the journal are kept.
JOURNAL_LENGTH = 100


@attrs.frozen
class Session(UserState):
    """The tokens, and whose they are.

    Args:
        user: The name of the user. Default: None, no user is logged in.
    """

    user: str | None = None


@attrs.frozen
class Resource:
    """Something to load.

    Args:
        loader: What loads it, a task or a thread.
        status: What became of it, empty if it was never loaded.
        content: What there is to see.
    """

    loader: str
    status: str = ""
    content: str = ""


@attrs.frozen
class Storm:
    """Requests that were sent at once.

    Args:
        size: How many.
        unauthorized: How many were answered 401.
        refreshes: How many refreshes they started.
        replayed: How many were sent again.
        answered: How many succeeded in the end.
        failed: How many failed in the end.
    """

    size: int = 0
    unauthorized: int = 0
    refreshes: int = 0
    replayed: int = 0
    answered: int = 0
    failed: int = 0


@attrs.frozen
class ShopState:
    """The state of the app."""

    resources: dict[str, Resource] = attrs.Factory(
        lambda: {path: Resource(loader) for path, loader in PATHS.items()}
    )
    storm: Storm = Storm()
    hint: str = ""
    journal: tuple[str, ...] = ()


def first_state(*_: object) -> ShopState:
    return ShopState()


class ShopStore:
    """The store of the app and its actions."""

    def __init__(self) -> None:
        self.store = create_store(devtools(first_state, name="shop"))

    def set_resource(self, path: str, status: str, content: str = "") -> None:
        """Note what became of a resource."""

        def update(state: ShopState) -> ShopState:
            changed = attrs.evolve(state.resources[path], status=status, content=content)
            return attrs.evolve(state, resources={**state.resources, path: changed})

        self.store.set_state(update, None, f"{path} {status}")

    def begin_storm(self, size: int) -> None:
        """Note that requests are sent at once."""
        self.store.set_state({"storm": Storm(size)}, None, "storm begins")

    def count(self, what: str) -> None:
        """Count one more of what became of them; ``what`` is a field of `Storm`."""

        def update(state: ShopState) -> ShopState:
            number = getattr(state.storm, what) + 1
            return attrs.evolve(state, storm=attrs.evolve(state.storm, **{what: number}))

        self.store.set_state(update, None, f"storm: {what}")

    def hint(self, text: str) -> None:
        """Say what to press next."""
        self.store.set_state({"hint": text}, None, "hint")

    def note(self, line: str) -> None:
        """Write a line into the journal."""

        def update(state: ShopState) -> ShopState:
            return attrs.evolve(state, journal=(*state.journal, line)[-JOURNAL_LENGTH:])

        self.store.set_state(update, None, "note")
