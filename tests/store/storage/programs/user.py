"""A user's store that follows others: `user KIND PLACE`.

It is told `login TOKEN` and `logout`, and says `done` when it has done so, and what the state is
after each change.
"""

import sys

from zustax.store import UserState, UserStore

from .common import say, storage_of

store = UserStore(storage=storage_of(*sys.argv[1:]), sync=True)


def tell(state: UserState, previous: UserState) -> None:
    say(state.refresh_token or "nobody", state.session_id or "nowhere")


store.subscribe(tell)
tell(store.get_state(), store.get_state())
for line in sys.stdin:
    match line.split():
        case ["login", token]:
            store.login("access", token)
        case ["logout"]:
            store.logout()
    say("done")
