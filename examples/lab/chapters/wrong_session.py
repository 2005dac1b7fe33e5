"""The wrong end, the wrong user, the wrong host.

These three leave no request hanging. They get the session wrong.

**ANY_ERROR_IS_THE_END.** Whatever goes wrong with a refresh sends the user to `/login`: a 503 of a
server that is being restarted, a moment without network. The session was alive all the time.
Mended: only 400, 401 and 403 say that the refresh token is worth nothing. All else raises, and the
next request tries again.

**FORGETS_WHO.** The user logs out while a refresh runs. Its answer arrives, is stored, and the
user is logged in again. If somebody else has logged in meanwhile, *their* tokens are overwritten.
Mended: what the store holds is compared with what it held when the refresh began; if it is
something else, the answer is thrown away.

**TRUSTS_EVERY_HOST.** The token is added to every request, also to one with an absolute URL of
somebody else's server, who can then use it. Mended: it goes to the host of `base_url` only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..figure import Figure
from ..naive import Bug, bugs_from
from ..scenes import experiments_with
from ..stage import Stage, perform_naive


async def login_meanwhile(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.reply("/a")
    tokens = stage.server.login("bob")
    stage.store.login(tokens.access_token, tokens.refresh_token)
    await stage.finish()
    held = stage.store.get_state().access_token or ""
    return [f"the store holds tokens of {stage.server.authority.verify(held).username}"]


async def another_user() -> Figure:
    found, events = await perform_naive(login_meanwhile, bugs_from(Bug.FORGETS_WHO))
    claim = ["/a: ok", "1 refresh", "the store holds tokens of ada"]
    return Figure("Bob logs in while ada's refresh runs: FORGETS_WHO", claim, found, events)


async def another_user_mended() -> Figure:
    bugs = bugs_from(Bug.FORGETS_WHO) & ~Bug.FORGETS_WHO
    found, events = await perform_naive(login_meanwhile, bugs)
    claim = ["/a: error 401", "1 refresh", "the store holds tokens of bob"]
    return Figure("Bob logs in, mended: no FORGETS_WHO", claim, found, events)


EXPERIMENTS = (
    *experiments_with(Bug.ANY_ERROR_IS_THE_END, Bug.FORGETS_WHO),
    another_user,
    another_user_mended,
    *experiments_with(Bug.TRUSTS_EVERY_HOST),
)
