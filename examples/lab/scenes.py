"""A scene for each bug: what is played, and what it shows with the bug and without it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
from zustax.transport.testing import MisbehavingServer

from .figure import Experiment, Figure
from .naive import Bug, bugs_from
from .stage import REFRESH, Play, Stage, perform_naive, perform_silent


@attrs.frozen
class Scene:
    """What is tried.

    Args:
        title: What it is about.
        play: What happens.
        with_bug: What comes of it while the bug is there.
        mended: What comes of it without.
    """

    title: str
    play: Play
    with_bug: Sequence[str]
    mended: Sequence[str]


async def one_request(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.finish()
    return []


async def two_requests(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.send("/b")
    await stage.reply("/a")
    await stage.reply("/b")
    await stage.finish()
    return []


async def never_allowed(stage: Stage) -> Sequence[str]:
    stage.server.answer("/a", status=401)
    return await one_request(stage)


async def two_never_allowed(stage: Stage) -> Sequence[str]:
    stage.server.answer("/a", status=401)
    stage.server.answer("/b", status=401)
    return await two_requests(stage)


async def refresh_forbidden(stage: Stage) -> Sequence[str]:
    stage.server.answer(REFRESH, status=403)
    return await two_requests(stage)


async def refresh_unauthorized(stage: Stage) -> Sequence[str]:
    stage.server.answer(REFRESH, status=401)
    return await one_request(stage)


async def refresh_unavailable(stage: Stage) -> Sequence[str]:
    stage.server.answer(REFRESH, status=503)
    return await one_request(stage)


async def leader_cancelled(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.send("/b")
    await stage.reply("/a")
    await stage.reply("/b")
    await stage.cancel("/a")
    await stage.finish()
    return []


async def logout_meanwhile(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.reply("/a")
    stage.store.logout()
    await stage.finish()
    is_login = stage.store.get_state().is_login
    return ["logged in again" if is_login else "stays logged out"]


async def another_host(stage: Stage) -> Sequence[str]:
    with MisbehavingServer() as other:
        other.answer("/elsewhere", body={})
        await stage.api.get(f"{other.url}/elsewhere")
        (seen,) = other.seen("/elsewhere")
    await one_request(stage)
    return [f"the other host was {'not ' if seen.token is None else ''}given the token"]


async def late_answer(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.send("/b")
    await stage.reply("/a")
    await stage.reply(REFRESH)
    await stage.reply("/a")
    await stage.reply("/b")
    await stage.finish()
    return []


async def starts_meanwhile(stage: Stage) -> Sequence[str]:
    await stage.send("/a")
    await stage.reply("/a")
    await stage.send("/b")
    await stage.finish()
    times = stage.server.count("/b")
    return [f"/b was sent {'once' if times == 1 else f'{times} times'}"]


#: One for each bug, in the order in which they are mended.
SCENES = {
    Bug.MISSPELT_STATUS: Scene(
        "A request meets an expired token",
        one_request,
        ["/a: error 401", "0 refreshes"],
        ["/a: ok", "1 refresh"],
    ),
    Bug.MISSPELT_MARK: Scene(
        "A path is refused whatever the token is",
        never_allowed,
        ["/a: goes on and on", "3 refreshes"],
        ["/a: error 401", "1 refresh"],
    ),
    Bug.MARKS_ONLY_THE_LEADER: Scene(
        "Two paths are refused whatever the token is",
        two_never_allowed,
        ["/a: error 401", "/b: error 401", "2 refreshes"],
        ["/a: error 401", "/b: error 401", "1 refresh"],
    ),
    Bug.TELLS_NOBODY: Scene(
        "The refresh is refused while another request waits for it",
        refresh_forbidden,
        ["/a: error 403 of /auth/refresh", "/b: hangs", "1 refresh", "the user is sent to /login"],
        [
            "/a: error 403 of /auth/refresh",
            "/b: error 403 of /auth/refresh",
            "1 refresh",
            "the user is sent to /login",
        ],
    ),
    Bug.RAISES_ANOTHERS_ERROR: Scene(
        "The refresh is refused: what are the callers told?",
        refresh_forbidden,
        [
            "/a: error 403 of /auth/refresh",
            "/b: error 403 of /auth/refresh",
            "1 refresh",
            "the user is sent to /login",
        ],
        ["/a: error 401", "/b: error 401", "1 refresh", "the user is sent to /login"],
    ),
    Bug.SAME_DOOR: Scene(
        "The refresh itself is answered 401",
        refresh_unauthorized,
        ["/a: hangs", "1 refresh"],
        ["/a: error 401", "1 refresh", "the user is sent to /login"],
    ),
    Bug.DIES_WITH_THE_LEADER: Scene(
        "The request that began the refresh is cancelled",
        leader_cancelled,
        ["/a: cancelled", "/b: hangs", "1 refresh"],
        ["/a: cancelled", "/b: ok", "1 refresh"],
    ),
    Bug.ANY_ERROR_IS_THE_END: Scene(
        "The refresh is answered 503",
        refresh_unavailable,
        ["/a: error 401", "1 refresh", "the user is sent to /login"],
        ["/a: error 401", "1 refresh"],
    ),
    Bug.FORGETS_WHO: Scene(
        "The user logs out while the refresh runs",
        logout_meanwhile,
        ["/a: ok", "1 refresh", "logged in again"],
        ["/a: error 401", "1 refresh", "stays logged out"],
    ),
    Bug.TRUSTS_EVERY_HOST: Scene(
        "A request goes to another host",
        another_host,
        ["/a: ok", "1 refresh", "the other host was given the token"],
        ["/a: ok", "1 refresh", "the other host was not given the token"],
    ),
    Bug.REFRESHES_FOR_THE_LATE: Scene(
        "A 401 arrives when the refresh is over",
        late_answer,
        ["/a: ok", "/b: ok", "2 refreshes"],
        ["/a: ok", "/b: ok", "1 refresh"],
    ),
    Bug.LEAVES_ANYWAY: Scene(
        "A request begins while the refresh runs",
        starts_meanwhile,
        ["/a: ok", "/b: ok", "1 refresh", "/b was sent 2 times"],
        ["/a: ok", "/b: ok", "1 refresh", "/b was sent once"],
    ),
}


def experiments_with(*bugs: Bug) -> Sequence[Experiment]:
    """The scene of each bug twice: with it, and mended; those before it are mended in both."""
    return [
        experiment
        for bug in bugs
        for experiment in (partial(with_bug, bug), partial(with_bug_mended, bug))
    ]


async def with_bug(bug: Bug) -> Figure:
    """The scene of a bug that is there, as are those after it."""
    scene = SCENES[bug]
    found, events = await perform_naive(scene.play, bugs_from(bug))
    return Figure(f"{scene.title}: {bug.name}", scene.with_bug, found, events)


async def with_bug_mended(bug: Bug) -> Figure:
    """The same scene when that bug is mended, and those after it are not."""
    scene = SCENES[bug]
    found, events = await perform_naive(scene.play, bugs_from(bug) & ~bug)
    return Figure(f"The same, mended: no {bug.name}", scene.mended, found, events)


async def with_silent_refresh(scene: Scene) -> Figure:
    """A scene with `silent_refresh`: what comes of it is what the mended one gives."""
    found, events = await perform_silent(scene.play)
    return Figure(f"{scene.title}: silent_refresh", scene.mended, found, events)
