"""What zustax does in each scenario of the comparison, said in the words of its table.

Each scenario is a function of a program in which ada is logged in; what it returns is computed from
what the server saw, what the callers received and what the store holds at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from zustax.transport import RequestError, Response

from ..support.app import App
from ..support.clients import Call, TaskCall
from ..support.server import REFRESH

PATH = "/items"
SLOW = "/slow"

Scenario = Callable[[App], str]


def one_expired_request(app: App) -> str:
    """One request meets an expired token."""
    app.server.expire()
    return _told(_outcomes([app.get(PATH)]), _refreshes(app))


def ten_expired_requests(app: App) -> str:
    """Ten requests meet it together."""
    app.server.expire()
    return _told(_outcomes(app.get_together(10)), _refreshes(app))


def refresh_rejected(app: App) -> str:
    """The refresh token is refused while five requests wait."""
    app.server.answer(REFRESH, status=403)
    outcomes = _outcomes(_five_waiting(app))
    return _told(outcomes, _refreshes(app), _signalled(app))


def own_401_of_the_refresh_call(app: App) -> str:
    """The refresh call itself is answered 401."""
    app.server.expire()
    app.server.answer(REFRESH, status=401)
    outcomes = _outcomes([app.get(PATH)])
    return _told(outcomes, _refreshes(app), _signalled(app))


def refresh_dropped(app: App) -> str:
    """The connection of the refresh call is closed without an answer."""
    app.server.hang_up(REFRESH, times=1)
    outcomes = _outcomes(_five_waiting(app))
    return _told(outcomes, _refreshes(app), _next_request(app))


def refresh_answers_503(app: App) -> str:
    """The refresh call is answered 503."""
    app.server.expire()
    app.server.answer(REFRESH, status=503, times=1)
    outcomes = _outcomes([app.get(PATH)])
    return _told(outcomes, _refreshes(app), _next_request(app))


def late_401(app: App) -> str:
    """A 401 arrives when the refresh that another request began has ended."""
    app.server.expire()
    gate = app.server.hold(SLOW)
    late = app.get(SLOW)
    app.server.wait_for(1, SLOW)
    early = app.get(PATH)
    early.response()
    gate.open()
    return _told(_outcomes([early, late]), _refreshes(app))


def no_refresh_token(app: App) -> str:
    """The store has no refresh token."""
    app.store.set_state({"refresh_token": None})
    app.server.expire()
    outcomes = _outcomes(app.get_together(5))
    return _told(outcomes, _refreshes(app), _signalled(app))


def replays_meet_401(app: App) -> str:
    """The path is refused with the new token, too."""
    app.server.answer(PATH, status=401)
    outcomes = _outcomes(app.get_together(5))
    sent = app.server.count(PATH) // 5
    return _told(outcomes, _refreshes(app), f"each sent {sent} times")


def leader_cancelled(app: App) -> str:
    """The request that began the refresh is cancelled while three others wait."""
    app.server.expire()
    gate = app.server.hold(REFRESH)
    leader = app.get(PATH)
    app.server.wait_for(1, REFRESH)
    others = [app.get(PATH) for _ in range(3)]
    app.wait_for_waiting(4)
    assert isinstance(leader, TaskCall)
    leader.cancel()
    canceled = _outcome(leader)  # while the refresh is still held
    gate.open()
    return _told(_outcomes(others), _refreshes(app), f"leader: {canceled} at once")


def logout_during_the_refresh(app: App) -> str:
    """The user logs out while three requests wait."""
    waiting, release = _three_waiting(app)
    app.logout()
    release()
    outcomes = _outcomes(waiting)
    is_out = app.tokens == (None, None)
    return _told(outcomes, _refreshes(app), "stays logged out" if is_out else "logged in again")


def other_login_during_the_refresh(app: App) -> str:
    """Somebody else logs in while three requests wait."""
    waiting, release = _three_waiting(app)
    app.login("bob")
    release()
    outcomes = _outcomes(waiting)
    user = app.get(PATH).response().data["user"]
    return _told(outcomes, _refreshes(app), f"store holds {user}'s tokens")


def started_during_the_refresh(app: App) -> str:
    """A request starts while the refresh runs."""
    app.server.expire()
    gate = app.server.hold(REFRESH)
    first = app.get(PATH)
    app.server.wait_for(1, REFRESH)
    second = app.get(SLOW)
    app.wait_for_waiting(2)
    waited = app.server.count(SLOW) == 0
    gate.open()
    how = "waited" if waited else "left with the dead token"
    return _told(_outcomes([first, second]), _refreshes(app), how)


#: In the order of the table.
SCENARIOS: dict[str, Scenario] = {
    "1 expired request": one_expired_request,
    "10 concurrent expired requests": ten_expired_requests,
    "refresh rejected (403), 5 waiting": refresh_rejected,
    "the refresh call's own 401, 1 request": own_401_of_the_refresh_call,
    "refresh: connection dropped, 5 waiting": refresh_dropped,
    "refresh answers 503, 1 request": refresh_answers_503,
    "late 401 (arrives after the refresh)": late_401,
    "no refresh token, 5 requests": no_refresh_token,
    "replays meet 401 again, 5 requests": replays_meet_401,
    "leader cancelled, 3 others waiting": leader_cancelled,
    "logout during the refresh, 3 waiting": logout_during_the_refresh,
    "login as another user during the refresh, 3 waiting": other_login_during_the_refresh,
    "a request starts during the refresh": started_during_the_refresh,
}


def _five_waiting(app: App) -> list[Call]:
    app.server.expire()
    gate = app.server.hold(REFRESH)
    calls = app.get_together(5)
    app.wait_for_waiting(5)
    gate.open()
    return calls


def _three_waiting(app: App) -> tuple[list[Call], Callable[[], None]]:
    app.server.expire()
    gate = app.server.hold(REFRESH)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    return calls, gate.open


def _outcome(call: Call) -> str:
    try:
        result = call.result()
    except RequestError as error:
        return f"error {error.status or error.code}"
    except asyncio.CancelledError:
        return "canceled"
    return "ok" if isinstance(result, Response) else repr(result)


def _outcomes(calls: Iterable[Call]) -> str:
    told = [_outcome(call) for call in calls]
    counts = {outcome: told.count(outcome) for outcome in told}
    if len(told) == 1:
        return told[0]
    return ", ".join(f"{count} × {outcome}" for outcome, count in counts.items())


def _refreshes(app: App) -> str:
    count = app.server.count(REFRESH)
    return f"{count} refresh" if count == 1 else f"{count} refreshes"


def _signalled(app: App) -> str:
    app.signals.wait_for("login_required")
    count = app.signals.names.count("login_required")
    return "`login_required`" if count == 1 else f"{count} × `login_required`"


def _next_request(app: App) -> str:
    return f"next request: {_outcomes([app.get(PATH)])}"


def _told(*parts: str) -> str:
    return "; ".join(parts)
