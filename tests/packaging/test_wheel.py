"""What is published: the wheel and the source distribution.

Both hold the two packages and nothing else; the wheel works where only the wheel is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from backend import running_backend

ROOT = Path(__file__).parents[2]

#: The folders of the checkout, by the package that they become.
FOLDERS = {"zustax/store": ROOT / "store", "zustax/transport": ROOT / "transport"}

#: What a wheel is built from besides the folders.
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")

#: What setuptools adds to a source distribution.
ADDED = {"PKG-INFO", "setup.cfg"}

#: A block of code on a page, with its language.
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

TWINE = "twine==7.0.0"

#: Seconds: a build and an install download what they need.
BOUND = 240.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * BOUND)]


def uv(*arguments: str | Path, cwd: Path) -> None:
    command = os.environ.get("UV") or shutil.which("uv")
    assert command, "uv is needed to build the wheel: pip install uv"
    run([command, *map(str, arguments)], cwd)


def run(command: list[str], cwd: Path) -> str:
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=BOUND, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def sources() -> dict[str, Path]:
    """What belongs into the wheel, by its name there."""
    return {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for package, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workshop")


@pytest.fixture(scope="module")
def published(workshop: Path) -> Path:
    """A folder with both: the wheel was built from the other one, far from the checkout."""
    copy = workshop / "source"
    for folder in FOLDERS.values():
        shutil.copytree(folder, copy / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    uv("build", "--out-dir", workshop / "dist", copy, cwd=workshop)
    return workshop / "dist"


@pytest.fixture(scope="module")
def wheel(published: Path) -> Path:
    (wheel,) = published.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source_distribution(published: Path) -> Path:
    (archive,) = published.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Iterator[Message]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        yield Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def python(workshop: Path, wheel: Path) -> Path:
    """The interpreter of an environment in which there is the wheel, and what it requires."""
    environment = workshop / "environment"
    uv("venv", "--python", sys.executable, environment, cwd=workshop)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv("pip", "install", "--python", python, wheel, cwd=workshop)
    return python


def test_the_wheel_is_for_every_machine(wheel: Path) -> None:
    assert wheel.name.startswith("zustax-")
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_wheel_holds_every_module_of_both_packages_and_nothing_else(names: list[str]) -> None:
    packaged = {name for name in names if ".dist-info/" not in name}
    assert packaged == set(sources())


def test_both_packages_say_that_they_are_typed(names: list[str]) -> None:
    assert {f"{package}/py.typed" for package in FOLDERS} <= set(names)


def test_the_name_above_both_packages_is_open_for_others(names: list[str]) -> None:
    assert "zustax/__init__.py" not in names


def test_the_licence_is_in_the_wheel(names: list[str], metadata: Message) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert metadata["License-Expression"] == "MIT"


def test_the_wheel_requires_three_packages_and_offers_the_rest(metadata: Message) -> None:
    required = {
        re.split(r"[^\w-]", requirement)[0]
        for requirement in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    }
    assert required == {"attrs", "blinker", "httpx"}
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_wheel_has_the_version_and_the_extras_of_the_project(metadata: Message) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["Version"] == project["version"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_every_link_of_the_description_leads_somewhere_on_an_index(metadata: Message) -> None:
    prose = BLOCK.sub("", str(metadata.get_payload()))
    assert re.findall(r"\]\((?!https?:)([^)]*)\)", prose) == []


PROGRAM = """
import asyncio, sys
import zustax.store, zustax.transport
from zustax.store import *
from zustax.transport import *

store = UserStore()
store.login("access", "refresh")

async def main():
    async with create(base_url="http://localhost") as api:
        print(silent_refresh(api, store))

asyncio.run(main())
print(zustax.store.__file__, zustax.transport.__file__, *zustax.__path__, sep="\\n")
"""


def test_both_packages_work_where_only_the_wheel_is(python: Path, workshop: Path) -> None:
    printed = run([str(python), "-I", "-W", "error", "-c", PROGRAM], workshop)
    first, *places = printed.splitlines()
    assert first.startswith("<SilentRefresh refreshes=0")
    assert len(places) == 3
    for place in places:
        assert Path(place).is_relative_to(python.parents[1])


def test_the_example_of_the_readme_prints_what_it_shows(python: Path, workshop: Path) -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    program = next(code for language, code in blocks if language == "python")
    shown = next(code for language, code in blocks if language == "text")
    with running_backend() as backend:
        program = program.replace("http://localhost:3001/api", backend.base_url)
        printed = run([str(python), "-I", "-W", "error", "-c", program], workshop)
    assert printed == shown


def test_all_that_the_wheel_requires_is_there_and_fits(python: Path, workshop: Path) -> None:
    uv("pip", "check", "--python", python, cwd=workshop)


def test_the_source_distribution_holds_what_the_wheel_is_built_from(
    source_distribution: Path,
) -> None:
    with tarfile.open(source_distribution) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    held = {name for name in files if not name.startswith("zustax.egg-info/")}
    modules = {path.relative_to(ROOT).as_posix() for path in sources().values()}
    assert held == modules | ADDED | set(FILES)


def test_an_index_would_take_both_and_show_the_readme(
    wheel: Path, source_distribution: Path, workshop: Path
) -> None:
    check = ("tool", "run", TWINE, "check", "--strict")
    uv(*check, wheel, source_distribution, cwd=workshop)
