"""The front door, and silent_refresh.

All twelve are mended, and one thing is left that cannot be mended from within. The request is sent
again by calling the instance, through the **front door**: a call within a call, and every
interceptor runs for both. Here a program adds two of its own. `stamp` runs twice for one request.
`user_of` takes the user out of the data; within the inner call it does, and in the outer one it is
given what it has itself returned, and fails. In JavaScript the caller is handed `undefined`.

So sending again does not belong into the chain of responses. It belongs **around the sending**,
where a call has left its request interceptors and has not reached its response interceptors: to
the network chain of the first chapter. `silent_refresh` is one function there. Whatever it sends
and waits for, the others run once, and see one request and one response.

Here it plays all the scenes of the chapters before, and does in each what the mended one does.
Look at the diagrams: a request has one lane from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from zustax.transport import RequestConfig

from ..figure import Figure
from ..naive import NO_BUGS, Bug
from ..scenes import SCENES, with_silent_refresh
from ..stage import Stage, perform_naive, perform_silent


async def later_interceptors(stage: Stage) -> Sequence[str]:
    stamped: list[str | None] = []

    def stamp(config: RequestConfig) -> RequestConfig:
        stamped.append(config.url)
        return config

    def user_of(data: dict[str, Any]) -> Any:
        return data["user"]

    stage.api.interceptors.request.use(stamp)
    stage.api.interceptors.response.use(user_of)
    await stage.send("/a")
    await stage.finish()
    return [f"stamp ran {len(stamped)} x"]


async def through_the_front_door() -> Figure:
    found, events = await perform_naive(later_interceptors, NO_BUGS)
    claim = ["/a: TypeError", "1 refresh", "stamp ran 2 x"]
    return Figure("Interceptors that are added later: the naive refresh", claim, found, events)


async def around_the_sending() -> Figure:
    found, events = await perform_silent(later_interceptors)
    claim = ["/a: ok", "1 refresh", "stamp ran 1 x"]
    return Figure("Interceptors that are added later: silent_refresh", claim, found, events)


#: The next scene is the same play, one step further.
REPEATED = Bug.TELLS_NOBODY

EXPERIMENTS = (
    through_the_front_door,
    around_the_sending,
    *(partial(with_silent_refresh, scene) for bug, scene in SCENES.items() if bug != REPEATED),
)
