"""A store, and the widgets of a Textual app that show it.

    class Balance(StoreBound, Static):
        amount = reactive(0)

        def render(self) -> str:
            return f"{self.amount} €"

    class Shop(App[None]):
        def compose(self) -> ComposeResult:
            yield Balance().bind_store(store, amount=lambda state: state["amount"])

It needs the extra `textual`. `bound` is what a widget inherits, `frames` decides when it is told.
"""

try:
    import textual  # noqa: F401 (only to say what to install)
except ModuleNotFoundError as error:
    if error.name != "textual":
        raise
    raise ImportError(
        "zustax.store.textual needs textual: install zustax[textual]", name="textual"
    ) from None

from .bound import StoreBound

__all__ = ["StoreBound"]

StoreBound.__module__ = __name__  # tracebacks and documentation show the name that a user imports
