"""The scenarios of the comparison, which every contender plays alike.

Each is a function of a scene in which ada is logged in. What it gives is computed from what the
server saw, what the callers were given, and which token the program holds at the end.
"""

from __future__ import annotations

from collections.abc import Callable

from .scene import PATH, REFRESH, SLOW, Scene

Scenario = Callable[[Scene], str]

#: Seconds for a refresh call, where that matters; more than a contender takes to wake up.
_TIMEOUT = 2.0


def one_expired_request(scene: Scene) -> str:
    """One request meets an expired token."""
    scene.expire()
    return _said(scene.outcomes([scene.get()]), scene.refreshes())


def ten_expired_requests(scene: Scene) -> str:
    """Ten requests meet it together."""
    scene.expire()
    requests, gate = scene.get_while_refreshing(10)
    gate.open()
    return _said(scene.outcomes(requests), scene.refreshes())


def refresh_rejected(scene: Scene) -> str:
    """The refresh token is refused while five requests wait."""
    scene.expire()
    scene.server.answer(REFRESH, status=403, body={"error": "invalid_grant"})
    requests, gate = scene.get_while_refreshing(5)
    gate.open()
    return _said(scene.outcomes(requests), scene.refreshes(), scene.told())


def own_401_of_the_refresh_call(scene: Scene) -> str:
    """The refresh call itself is answered 401."""
    scene.expire()
    scene.server.answer(REFRESH, status=401, body={"error": "invalid_grant"})
    return _said(scene.outcomes([scene.get()]), scene.refreshes(), scene.told())


def refresh_dropped(scene: Scene) -> str:
    """The connection of the refresh call is closed without an answer."""
    scene.expire()
    scene.server.hang_up(REFRESH, times=1)
    requests, gate = scene.get_while_refreshing(5)
    gate.open()
    outcomes = scene.outcomes(requests)
    return _said(outcomes, scene.refreshes(), scene.logs_out(), _next_request(scene))


def refresh_answers_503(scene: Scene) -> str:
    """The refresh call is answered 503."""
    scene.expire()
    scene.server.answer(REFRESH, status=503, body={"error": "temporarily_unavailable"}, times=1)
    outcomes = scene.outcomes([scene.get()])
    return _said(outcomes, scene.refreshes(), scene.logs_out(), _next_request(scene))


def firewall_answers_403(scene: Scene) -> str:
    """A firewall in front of the server answers the refresh call with a page of its own."""
    scene.expire()
    page = b"<!DOCTYPE html><title>Attention Required!</title><h1>You have been blocked</h1>"
    headers = {"Content-Type": "text/html; charset=UTF-8"}
    scene.server.answer(REFRESH, status=403, body=page, headers=headers, times=1)
    outcomes = scene.outcomes([scene.get()])
    return _said(outcomes, scene.refreshes(), scene.logs_out(), _next_request(scene))


def stopped_longer_than_the_timeout(scene: Scene) -> str:
    """The process is stopped during the refresh, whose answer arrives meanwhile."""
    scene.begin(timeout=_TIMEOUT)
    scene.expire()
    gate = scene.server.hold(REFRESH)
    request = scene.get()
    scene.reach(lambda: scene.server.count(REFRESH) > 0)
    scene.stop_for(_TIMEOUT * 1.5, meanwhile=gate.open)
    outcomes = scene.outcomes([request])
    return _said(outcomes, _next_request(scene), scene.refreshes())


def error_with_status_200(scene: Scene) -> str:
    """The refresh token is refused with status 200 (GitHub, Slack, Feishu)."""
    scene.expire()
    scene.server.answer(REFRESH, body={"error": "invalid_grant"})
    outcomes = scene.outcomes([scene.get()])
    return _said(outcomes, scene.refreshes(), scene.told(), _next_request(scene))


def late_401(scene: Scene) -> str:
    """A 401 arrives when the refresh that another request began has ended."""
    scene.server.expire()  # by no clock: both requests have left with the token
    gate = scene.server.hold(SLOW)
    late = scene.get(SLOW)
    scene.reach(lambda: scene.server.count(SLOW) > 0)
    early = scene.get()
    scene.outcomes([early])
    gate.open()
    return _said(scene.outcomes([early, late]), scene.refreshes())


def no_refresh_token(scene: Scene) -> str:
    """There is no refresh token."""
    scene.program.forget_refresh_token()
    scene.expire()
    return _said(scene.outcomes(scene.get_together(5)), scene.refreshes(), scene.told())


def replays_meet_401(scene: Scene) -> str:
    """The path is refused with the new token, too."""
    scene.server.answer(PATH, status=401)
    requests = scene.get_together(5)
    return _said(scene.outcomes(requests), scene.refreshes(), scene.sent())


def leader_cancelled(scene: Scene) -> str:
    """The request that began the refresh is cancelled while three others wait."""
    scene.expire()
    refresh_gate, leaders_gate, others_gate = map(scene.server.hold, (REFRESH, PATH, SLOW))
    leader = scene.get()
    scene.reach(lambda: scene.server.count() > 0)
    others = [scene.get(SLOW) for _ in range(3)]
    scene.reach(lambda: scene.server.count(SLOW) > 2 or scene.server.count(REFRESH) > 0)
    leaders_gate.open()
    scene.reach(lambda: scene.server.count(REFRESH) > 0)
    others_gate.open()
    scene.reach(lambda: True)
    scene.program.cancel(leader)
    scene.reach(lambda: True)
    at_once = leader.outcome is not None  # while the refresh is still held
    refresh_gate.open()
    outcomes = scene.outcomes(others)
    if not scene.program.can_cancel:
        return _said(outcomes, scene.refreshes(), "leader: a thread cannot be cancelled")
    canceled = scene.outcomes([leader])
    when = "at once" if at_once else "only when the refresh had ended"
    return _said(outcomes, scene.refreshes(), f"leader: {canceled} {when}")


def logout_during_the_refresh(scene: Scene) -> str:
    """The user logs out while three requests wait."""
    scene.expire()
    requests, gate = scene.get_while_refreshing(3)
    scene.program.logout()
    gate.open()
    outcomes = scene.outcomes(requests)
    is_out = scene.user() is None
    return _said(
        outcomes, scene.refreshes(), "stays logged out" if is_out else "**logged in again**"
    )


def other_login_during_the_refresh(scene: Scene) -> str:
    """Somebody else logs in while three requests wait."""
    scene.expire()
    requests, gate = scene.get_while_refreshing(3)
    scene.program.login(scene.server.login("bob"))
    gate.open()
    outcomes = scene.outcomes(requests)
    user = scene.user()
    held = "holds bob's tokens" if user == "bob" else f"holds {user}'s tokens (**overwritten**)"
    return _said(outcomes, scene.refreshes(), held)


def started_during_the_refresh(scene: Scene) -> str:
    """A request starts while the refresh runs."""
    scene.expire()
    gate = scene.server.hold(REFRESH)
    first = scene.get()
    scene.reach(lambda: scene.server.count(REFRESH) > 0)
    second = scene.get(SLOW)
    scene.reach(lambda: True)
    waited = scene.server.count(SLOW) == 0
    gate.open()
    how = "waited" if waited else "left with the dead token"
    return _said(scene.outcomes([first, second]), scene.refreshes(), how)


#: In the order of the table.
SCENARIOS: dict[str, Scenario] = {
    "1 expired request": one_expired_request,
    "10 concurrent expired requests": ten_expired_requests,
    "refresh rejected (403), 5 waiting": refresh_rejected,
    "the refresh call's own 401, 1 request": own_401_of_the_refresh_call,
    "refresh: connection dropped, 5 waiting": refresh_dropped,
    "refresh answers 503, 1 request": refresh_answers_503,
    "firewall answers 403 (a page), 1 request": firewall_answers_403,
    "200 with an error in it, 1 request": error_with_status_200,
    "process stopped longer than the timeout, 1 request": stopped_longer_than_the_timeout,
    "late 401 (arrives after the refresh)": late_401,
    "no refresh token, 5 requests": no_refresh_token,
    "replays meet 401 again, 5 requests": replays_meet_401,
    "leader cancelled, 3 others waiting": leader_cancelled,
    "logout during the refresh, 3 waiting": logout_during_the_refresh,
    "login as another user during the refresh, 3 waiting": other_login_during_the_refresh,
    "a request starts during the refresh": started_during_the_refresh,
}


def _next_request(scene: Scene) -> str:
    return f"next request: {scene.outcomes([scene.get()])}"


def _said(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
