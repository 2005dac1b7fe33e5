"""A store, and the widgets of a Textual app that show it.

    class Balance(StoreBound, Static):
        amount = reactive(0)

        def render(self) -> str:
            return f"{self.amount} €"

    class Shop(App[None]):
        def compose(self) -> ComposeResult:
            yield Balance().bind_store(store, amount=lambda state: state["amount"])

It needs the extra ``textual``.
"""

from __future__ import annotations

from ..checks import needs_extra

with needs_extra("textual", "textual", "zustax.store.textual"):
    import textual  # noqa: F401 (only to say what to install)

from .widget_binding import StoreBound

__all__ = ["StoreBound"]

StoreBound.__module__ = __name__  # tracebacks and documentation show the name that a user imports
