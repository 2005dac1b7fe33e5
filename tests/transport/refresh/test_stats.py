"""The counters of a handle."""

from __future__ import annotations

from zustax.transport import RefreshStats

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp


def test_nothing_is_counted_where_nothing_happened(app: App) -> None:
    app.get("/items").response()
    assert app.stats == RefreshStats()


def test_a_refresh_those_who_waited_and_their_replays_are_counted(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    calls = app.get_together(3)
    server.wait_for(1, REFRESH)
    calls.append(app.get("/new"))
    app.wait_for_waiting(4)
    gate.open()
    for call in calls:
        call.response()
    assert app.stats == RefreshStats(refreshes=1, waited=4, replayed=3)


def test_failures_and_rejections_are_counted_apart(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=503, times=1)
    app.get("/items").error()
    assert app.stats == RefreshStats(refreshes=1, waited=1, failed=1)
    server.authority.revoke_all()
    app.get("/items").error()
    assert app.stats == RefreshStats(refreshes=2, waited=2, failed=1, rejected=1)


def test_a_rejection_for_want_of_a_token_is_no_refresh(new_app: NewApp) -> None:
    app = new_app()
    app.get("/items").error()
    assert app.stats == RefreshStats(waited=1, rejected=1)


def test_each_instance_counts_what_it_has_done_itself(new_app: NewApp, server: AuthServer) -> None:
    first = new_app().login()
    second = new_app(store=first.store)
    server.expire()
    first.get("/items").response()
    second.get("/items").response()
    assert first.stats.refreshes == 1
    assert second.stats == RefreshStats()


def test_stats_are_those_of_the_moment_in_which_they_were_read(
    app: App, server: AuthServer
) -> None:
    before = app.stats
    server.expire()
    app.get("/items").response()
    assert before == RefreshStats()


def test_the_handle_shows_its_counters(app: App, server: AuthServer) -> None:
    server.expire()
    app.get("/items").response()
    assert "refreshes=1" in repr(app.handle)
