"""Keeps a user in the keyring of the session: `keyring_items DIRECTORY`."""

import sys

from zustax.store import KeyringStorage, UserStore

from .common import say

storage = KeyringStorage("zustax-tests", directory=sys.argv[1])
store = UserStore(storage=storage)
store.login("access", "naïve")
again = UserStore(storage=storage)
say(again.get_state().refresh_token == "naïve", again.persist.has_hydrated())
with storage.lock("user"):
    store.persist.clear_storage()
    store.persist.clear_storage()
say(storage.get_item("user"))
