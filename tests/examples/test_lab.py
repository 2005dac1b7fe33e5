from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import httpx
import pytest
from lab import main as lab
from lab.chapters.thirty_lines import Pair, chained, linked
from lab.contents import CHAPTERS, Chapter
from lab.diagram import Mark, diagram_of
from lab.figure import Figure
from lab.naive import NO_BUGS, Bug, bugs_from
from lab.page import to_html
from lab.scenes import SCENES, one_request, with_bug
from lab.stage import REFRESH, Stage, perform_naive, perform_silent
from lab.terminal import lines_of, show
from rich.console import Console
from zustax.transport import RequestError, create
from zustax.transport.testing import MisbehavingServer

SCRIPT = Path(lab.__file__)
PAGE = SCRIPT.parents[2] / "docs" / "lab.md"

Results = Mapping[Chapter, Sequence[Figure]]


@pytest.fixture(scope="module")
def results() -> Results:
    return {chapter: asyncio.run(chapter.run()) for chapter in CHAPTERS}


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return to_html(results)


def name_of(chapter: Chapter) -> str:
    return chapter.name


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=50.0,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "100"},
    )


class TestChapters:
    @pytest.mark.parametrize("chapter", CHAPTERS, ids=name_of)
    def test_show_what_their_pages_claim(self, chapter: Chapter, results: Results) -> None:
        found = {figure.title: list(figure.found) for figure in results[chapter]}
        assert found == {figure.title: list(figure.claim) for figure in results[chapter]}
        assert len(found) == len(results[chapter]) >= 2

    @pytest.mark.parametrize("chapter", CHAPTERS, ids=name_of)
    def test_have_a_page_that_explains(self, chapter: Chapter) -> None:
        assert chapter.title
        assert len(chapter.text.split()) > 50
        assert chapter.program.startswith("from __future__")

    def test_explain_each_bug_where_it_is_shown(self, results: Results) -> None:
        explained = [
            (chapter.name, bug)
            for chapter in CHAPTERS
            for bug in re.findall(r"\*\*([A-Z_]+)\.\*\*", chapter.text)
        ]
        shown = [
            (chapter.name, found[1])
            for chapter, figures in results.items()
            for figure in figures
            if (found := re.search(r": ([A-Z_]+)$", figure.title))
        ]
        assert list(dict.fromkeys(shown)) == explained
        assert [bug for _, bug in explained] == [bug.name for bug in Bug]

    def test_are_those_of_the_documentation(self) -> None:
        line = re.compile(r"^(\d+)\. \[(.+)\]\(\.\./(.+)\)$", re.MULTILINE)
        listed = line.findall(PAGE.read_text("utf-8"))
        assert listed == [(str(c.number), c.title, c.file) for c in CHAPTERS]


class TestBugs:
    def test_have_a_scene_each_in_the_order_of_mending(self) -> None:
        assert list(SCENES) == list(Bug)

    def test_are_mended_from_the_first_on(self) -> None:
        first, *others = Bug
        assert set(bugs_from(first)) == set(Bug)
        assert set(bugs_from(others[0])) == set(others)
        assert set(bugs_from(others[-1])) == {others[-1]}

    @pytest.mark.parametrize("bug", Bug)
    def test_show_as_the_documentation_says(self, bug: Bug) -> None:
        scene = SCENES[bug]
        columns = [f"`{bug.name}`", scene.title, "; ".join(scene.with_bug), "; ".join(scene.mended)]
        assert f"\n| {' | '.join(columns)} |\n" in PAGE.read_text("utf-8")
        assert scene.with_bug != scene.mended

    @pytest.mark.parametrize("bug", Bug)
    async def test_each_shows_also_where_it_is_the_only_one(self, bug: Bug) -> None:
        play = SCENES[bug].play
        alone, _ = await perform_naive(play, bug)
        naive, _ = await perform_naive(play, NO_BUGS)
        silent, _ = await perform_silent(play)
        assert alone != naive == silent

    async def test_a_hang_is_drawn_as_a_call_that_is_not_over(self) -> None:
        figure = await with_bug(Bug.TELLS_NOBODY)
        last = diagram_of(figure.events).rows[-1]
        assert (last.call, last.mark, last.is_bad) == (2, Mark.IS_NOT_OVER, True)

    async def test_a_loop_is_stopped(self) -> None:
        figure = await with_bug(Bug.MISSPELT_MARK)
        sent = [event for event in figure.events if event.kind == "sent"]
        assert len(sent) == 7  # the last has no reply


async def refresh_fails_for_one_that_has_not_left(stage: Stage) -> Sequence[str]:
    stage.server.answer(REFRESH, status=401)
    await stage.send("/a")
    await stage.reply("/a")
    await stage.send("/b")
    await stage.finish()
    return [f"/b was sent {stage.server.count('/b')} x"]


async def test_without_bugs_one_that_has_not_left_is_told_that_it_was_not_sent() -> None:
    found, _ = await perform_naive(refresh_fails_for_one_that_has_not_left, NO_BUGS)
    assert found == [
        "/a: error 401",
        "/b: error None",
        "1 refresh",
        "the user is sent to /login",
        "/b was sent 0 x",
    ]


async def another_host_refuses(stage: Stage) -> Sequence[str]:
    with MisbehavingServer() as other:
        with pytest.raises(RequestError) as caught:
            await stage.api.get(f"{other.url}/elsewhere")
        await one_request(stage)
        return [f"{caught.value.status}, sent {other.count('/elsewhere')} x"]


async def test_without_bugs_nothing_is_refreshed_for_another_host() -> None:
    found, _ = await perform_naive(another_host_refuses, NO_BUGS)
    assert found == ["/a: ok", "1 refresh", "401, sent 1 x"]


class TestThirtyLines:
    def test_are_no_more_than_thirty(self) -> None:
        source = inspect.getsource(chained) + inspect.getsource(linked)
        assert len([line for line in source.splitlines() if line]) <= 30

    async def test_do_what_an_instance_does(self) -> None:
        for kinds in itertools.product(KINDS, repeat=4):
            assert await passed_by_functions(kinds) == await passed_by_an_instance(kinds)


CONFIG = {"url": "http://shop.test/items", "method": "get"}

#: What the handlers of a pair do.
KINDS = ("pass", "fail", "recover", "fail twice")


def pair(kind: str, name: str, passed: list[str]) -> Pair:
    def fulfilled(value: Any) -> Any:
        passed.append(name)
        if kind.startswith("fail"):
            raise ValueError(name)
        return value

    def rejected(error: Exception) -> Any:
        passed.append(f"{name} (rejected)")
        if kind == "fail twice":
            raise error
        return CONFIG

    return fulfilled, rejected if kind in ("recover", "fail twice") else None


async def passed_by_functions(kinds: Sequence[str]) -> list[str]:
    passed: list[str] = []

    def send(config: Any) -> Any:
        passed.append("sent")
        return config

    pairs = [pair(kind, str(number), passed) for number, kind in enumerate(kinds)]
    return await outcome_of(chained(send, pairs[:2], (), pairs[2:]), passed)


async def passed_by_an_instance(kinds: Sequence[str]) -> list[str]:
    passed: list[str] = []

    def send(_request: httpx.Request) -> httpx.Response:
        passed.append("sent")
        return httpx.Response(200)

    pairs = [pair(kind, str(number), passed) for number, kind in enumerate(kinds)]
    async with httpx.AsyncClient(transport=httpx.MockTransport(send)) as client:
        api = create(client=client)
        for own in pairs[:2]:
            api.interceptors.request.use(*own)
        for own in pairs[2:]:
            api.interceptors.response.use(*own)
        return await outcome_of(lambda config: api(**config), passed)


async def outcome_of(call: Callable[[Any], Any], passed: list[str]) -> list[str]:
    try:
        await call(CONFIG)
    except ValueError as error:
        return [*passed, f"raised {error}"]
    return [*passed, "returned"]


class TestPage:
    def test_is_well_formed_and_has_all(self, html: str, results: Results) -> None:
        page = Tree.fromstring(html.removeprefix("<!DOCTYPE html>"))
        figures = [figure for own in results.values() for figure in own]
        drawn = [figure.title for figure in figures if figure.events]
        assert [heading.get("id") for heading in page.iter("h2")] == [
            *(chapter.name for chapter in CHAPTERS),
            "naive",
        ]
        assert [caption.text for caption in page.iter("figcaption")] == [f.title for f in figures]
        assert [drawing.get("aria-label") for drawing in page.iter("svg")] == drawn
        assert len(drawn) > 30

    def test_needs_nothing_from_elsewhere(self, html: str) -> None:
        page = Tree.fromstring(html.removeprefix("<!DOCTYPE html>"))
        ids = [element.get("id") for element in page.iter() if element.get("id")]
        links = [element.get("href", "") for element in page.iter("a")]
        assert len(ids) == len(set(ids))
        assert {link.removeprefix("#") for link in links} <= set(ids)
        assert all(link.startswith("#") for link in links)
        unwanted = {"script", "link", "img", "iframe", "object", "embed", "image", "use"}
        assert unwanted.isdisjoint(element.tag for element in page.iter())
        assert not any(element.get("src") or element.get("style") for element in page.iter())
        styles = "".join(element.text or "" for element in page.iter("style"))
        assert not re.search(r"url\(|@import|@font-face", styles)

    def test_shows_no_token_port_or_time(self, html: str) -> None:
        assert not re.search(r"127\.0\.0\.1|localhost:\d|\d ms\b", html)
        assert "Bearer ey" not in html

    def test_says_what_is_not_as_claimed(self) -> None:
        figure = Figure("A <figure>", ["one"], ["<two>"])
        html = to_html({CHAPTERS[0]: [figure]})
        assert '<ul class="wrong">\n<li>&lt;two&gt;</li>' in html
        assert "<figcaption>A &lt;figure&gt;</figcaption>" in html


class TestTerminal:
    async def test_shows_a_column_for_each_call(self) -> None:
        figure = await with_bug(Bug.SAME_DOOR)
        lines = [line.plain.rstrip() for line in lines_of(diagram_of(figure.events))]
        outcome = [f"  = {found}" for found in figure.found]
        assert "\n".join([*lines, *outcome]) in PAGE.read_text("utf-8")

    def test_says_what_is_not_as_claimed(self, capsys: pytest.CaptureFixture[str]) -> None:
        show(CHAPTERS[0], [Figure("A figure", ["one"], ["two"])], Console(width=80))
        assert "WRONG: the page says one" in capsys.readouterr().out


@pytest.mark.slow
class TestCommand:
    def test_lists_the_chapters(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert lab.main([]) == 0
        listed = capsys.readouterr().out.splitlines()
        assert listed == [f"{chapter.number:>2}  {chapter.title}" for chapter in CHAPTERS]

    def test_shows_a_chapter(self) -> None:
        ended = run("6")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "Who is never told" in ended.stdout
        assert "  = /b: hangs\n" in ended.stdout

    @pytest.mark.slow
    def test_writes_the_page_which_is_the_same_each_time(self, tmp_path: Path, html: str) -> None:
        path = tmp_path / "lab.html"
        ended = run("--html", str(path))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == f"{len(CHAPTERS)} chapters are in {path}\n"
        assert path.read_text("utf-8") == html

    @pytest.mark.parametrize("chapter", ["0", str(len(CHAPTERS) + 1), "first"])
    def test_refuses_a_chapter_that_there_is_not(
        self, chapter: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            lab.main([chapter])
        assert caught.value.code == 2
        assert "argument CHAPTER: " in capsys.readouterr().err

    def test_ends_with_1_if_something_is_not_as_claimed(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def wrong() -> Figure:
            return Figure("A figure", ["one"], ["two"])

        monkeypatch.setattr(CHAPTERS[0].module, "EXPERIMENTS", [wrong])
        assert lab.main(["1"]) == 1
        assert "WRONG" in capsys.readouterr().out
