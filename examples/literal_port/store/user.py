"""Who is logged in: the store that the original imports from ``@/store/user``."""

from __future__ import annotations

import attrs
from zustax.store import create_store


@attrs.frozen
class UserState:
    """The two tokens of a user, and whether there is one."""

    access_token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    is_login: bool = False


use_user_store = create_store(UserState())
