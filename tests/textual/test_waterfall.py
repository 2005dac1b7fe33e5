"""What the lines and the details of calls say."""

from __future__ import annotations

from itertools import count

import pytest
from textual.content import Content
from zustax.transport import TraceCall
from zustax.transport.textual.waterfall import Burst, bursts, details, lines

from .traces import ADD_LANGUAGE, EXPLAIN, FixedTrace, begin, refreshed, served

WIDTH = 76


def text_of(calls: tuple[TraceCall, ...], width: int = WIDTH) -> list[str]:
    return [line.plain for line in lines(calls, width)]


def styles_of(line: Content) -> set[str]:
    return {str(span.style) for span in line.spans}


class TestLines:
    def test_say_what_was_asked_what_was_answered_and_how_long_it_took(self) -> None:
        trace = FixedTrace()
        served(trace, 7, 0, "/items", takes=45)
        (line,) = text_of(trace.calls)
        assert line.split()[:4] == ["7", "GET", "/api/items", "200"]
        assert line.endswith("48.0 ms")

    def test_are_as_wide_as_they_may_be(self) -> None:
        trace = refreshed(count(1), ["/items", "/reports/of/a/very/long/name/indeed"], 0)
        for width in (50, 76, 120, 200):
            assert {Content(line).cell_length for line in text_of(trace.calls, width)} == {width}

    def test_show_each_answer_of_a_call_that_was_sent_again(self) -> None:
        (line,) = text_of(refreshed(count(1), ["/items"], 0).calls)
        assert "401 200" in line

    def test_draw_the_sending_the_waiting_and_the_sending_again(self) -> None:
        trace = refreshed(count(1), ["/items"], 0)
        (line,) = lines(trace.calls, WIDTH)
        assert "━┅" in line.plain
        assert "┅━" in line.plain
        assert {"$text-error", "$text-warning", "$text-success"} <= styles_of(line)

    def test_show_a_401_in_a_colour_of_its_own(self) -> None:
        trace = refreshed(count(1), ["/items"], 0)
        (line,) = lines(trace.calls, WIDTH)
        place = line.plain.index("401 200")
        assert {str(span.style) for span in line.spans if span.start == place} == {"$text-error"}
        assert "$text-primary" not in styles_of(line)
        served(trace, 2, 1000, "/items", takes=45)
        served_line = [*lines(trace.calls, WIDTH)][-1]
        assert "$text-primary" in styles_of(served_line)
        assert "$text-error" not in styles_of(served_line)

    def test_show_a_call_that_is_under_way(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/items")
        (line,) = text_of(trace.calls)
        assert line.endswith("…")

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("http://[REDACTED ****]@host/items?a=1", "/items"),
            ("http://[::zz]/items", "/items"),
            ("http://[", "/"),
            ("//host/items#top", "/items"),
            ("/items/1?x=/y", "/items/1"),
            ("items", "items"),
            ("", "/"),
            (None, "/"),
        ],
    )
    def test_show_the_path_of_whatever_was_asked_for(self, url: str | None, path: str) -> None:
        trace = FixedTrace()
        trace.add(0, "started", 1, method="GET", url=url, instance=0)
        (line,) = text_of(trace.calls)
        assert line.split()[2] == path

    def test_say_why_there_is_no_answer(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/items")
        trace.add(9, "failed", 1, attempt=1, problem="ECONNREFUSED")
        trace.add(10, "ended", 1, outcome="rejected", problem="ECONNREFUSED")
        (line,) = text_of(trace.calls)
        assert "ECONNREF" in line

    def test_survive_the_loss_of_the_first_events(self) -> None:
        trace = FixedTrace()
        served(trace, 1, 0, "/items", takes=45)
        del trace.events[:5]
        (line,) = text_of(trace.calls)
        assert line.split()[:3] == ["1", "?", "/"]

    def test_are_none_where_there_is_no_call(self) -> None:
        assert text_of(()) == []


class TestBursts:
    def test_calls_that_overlap_share_one(self) -> None:
        trace = FixedTrace()
        served(trace, 1, 0, "/a", takes=20)
        served(trace, 2, 10, "/b", takes=40)
        served(trace, 3, 1000, "/c", takes=5)
        found = bursts(trace.calls, 2.0)
        assert found[1] == found[2] == Burst(0.0, 0.053)
        assert found[3] == Burst(1.0, 1.008)

    def test_one_that_is_under_way_lasts_until_now(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/a")
        assert bursts(trace.calls, 2.0) == {1: Burst(0.0, 2.0)}

    def test_a_stretch_takes_its_columns_and_at_least_one(self) -> None:
        burst = Burst(10.0, 20.0)
        assert burst.columns(10.0, 20.0, 40) == range(40)
        assert burst.columns(15.0, 17.5, 40) == range(20, 30)
        assert burst.columns(15.0, 15.0, 40) == range(20, 21)
        assert burst.columns(20.0, 20.0, 40) == range(39, 40)
        assert Burst(1.0, 1.0).columns(1.0, 1.0, 40) == range(1)


class TestDetails:
    def test_show_the_chain_as_it_ran(self) -> None:
        (call,) = refreshed(count(1), ["/items"], 0).calls
        assert [line[11:] for line in details(call).plain.splitlines()] == [
            "started GET http://localhost:3001/api/items",
            "request 0 add_language  returned",
            "network 0 silent_refresh",
            "  sent",
            "  received 401",
            "  started refresh 1",
            "  waiting for refresh 1",
            "  waited for refresh 1",
            "  sent again",
            "  received 200",
            "left network 0 silent_refresh: returned",
            "response 1 unwrap  returned",
            "ended: fulfilled 200",
        ]

    def test_say_when_since_the_call_has_begun(self) -> None:
        (call,) = refreshed(count(1), ["/items"], 5000).calls
        whens = [line[:9].strip() for line in details(call).plain.splitlines()]
        assert (whens[0], whens[1], whens[4], whens[-1]) == (
            "0.0 ms",
            "1.0 ms",
            "40.0 ms",
            "133.0 ms",
        )

    def test_show_where_an_interceptor_has_sent_it_instead(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/items")
        trace.add(9, "sent", 1, method="GET", url="http://mirror/items", attempt=2)
        (call,) = trace.calls
        assert details(call).plain.endswith("  sent again GET http://mirror/items")

    def test_show_a_handler_that_has_not_come_back(self) -> None:
        trace = FixedTrace()
        trace.add(0, "started", 1, method="GET", url="http://localhost/", instance=0)
        trace.add(1, "entered", 1, handler=ADD_LANGUAGE)
        (call,) = trace.calls
        assert details(call).plain.splitlines()[-1].endswith("request 0 add_language")

    def test_mark_what_went_wrong(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/items")
        trace.add(9, "received", 1, attempt=1, status=500)
        trace.add(10, "entered", 1, handler=EXPLAIN)
        trace.add(10, "left", 1, handler=EXPLAIN, outcome="raised", problem="ERR_BAD_RESPONSE")
        (call,) = trace.calls
        lines_ = details(call).split()
        assert "(on_rejected)  raised ERR_BAD_RESPONSE" in lines_[-1].plain
        assert all("$text-error" in styles_of(line) for line in lines_[-2:])
