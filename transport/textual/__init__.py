"""A session in a Textual app: its dialog, its messages, and a look at what goes on inside.

    class Shop(SessionBound, App[None]):
        def on_mount(self) -> None:
            ask = ask_on_screen(self, lambda: LoginScreen(log_in))
            silent_refresh(api, store, reauthenticate=ask)
            self.watch_session(api)

        @on(LoginRequired)
        def say_so(self, event: LoginRequired) -> None:
            self.notify(event.reason)

It needs the extra `textual`.
"""

try:
    import textual  # noqa: F401 (only to say what to install)
except ModuleNotFoundError as error:
    if error.name != "textual":
        raise
    raise ImportError(
        "zustax.transport.textual needs textual: install zustax[textual]", name="textual"
    ) from None

from .asking import ask_on_screen
from .inspector import InspectorScreen
from .login import LoginScreen
from .messages import LoginRequired, RefreshFailed, SessionBound, TokenRefreshed

__all__ = [
    "InspectorScreen",
    "LoginRequired",
    "LoginScreen",
    "RefreshFailed",
    "SessionBound",
    "TokenRefreshed",
    "ask_on_screen",
]

for _public in (globals()[name] for name in __all__):
    # What a user imports is what tracebacks and documentation show.
    _public.__module__ = __name__
