"""Who is compared, and how each is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .program import NotRunError, Program

#: Seconds for what has to be installed.
_INSTALLING = 180.0

_HERE = Path(__file__).parent / "contenders"

Starter = Callable[[], AbstractContextManager[Program]]


def here(module: str) -> Starter:
    """A contender that needs what the tests have."""
    return lambda: Program([sys.executable, "-m", _module(module)])


def with_packages(module: str, *packages: str) -> Starter:
    """A contender that needs other packages, in an environment of uv's own."""
    options = [option for package in packages for option in ("--with", package)]

    @contextmanager
    def start() -> Iterator[Program]:
        command = [_found("uv"), "run", "--quiet", "--no-project", *options]
        with Program([*command, "python", "-m", _module(module)], _INSTALLING) as program:
            yield program

    return start


def with_node(script: str, *packages: str) -> Starter:
    """A contender that needs Node and packages of npm, in a temporary directory."""

    @contextmanager
    def start() -> Iterator[Program]:
        node, npm = _found("node"), _found("npm")
        with TemporaryDirectory() as directory:
            install = [npm, "install", "--silent", "--no-fund", "--no-audit", *packages]
            try:
                subprocess.run(install, cwd=directory, check=True, timeout=_INSTALLING)
            except subprocess.SubprocessError as error:
                raise NotRunError(str(error)) from error
            with Program([node, shutil.copy(_HERE / script, directory)]) as program:
                yield program

    return start


def _module(name: str) -> str:
    return f"{__package__}.contenders.{name}"


def _found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise NotRunError(f"{tool} is not installed")
    return path


#: Those that run wherever the tests do.
LOCAL: dict[str, Starter] = {
    "original, ported": here("original"),
    "**zustax**": here("with_zustax"),
}

#: In the order of the table, by what they are called where they are not run.
PEERS: dict[str, Starter] = {
    "original, ported": LOCAL["original, ported"],
    "axios-auth-refresh": with_node(
        "axios_auth_refresh.mjs", "axios@1.21.1", "axios-auth-refresh@5.0.2"
    ),
    "Authlib, tasks": with_packages("authlib_tasks", "authlib==1.9.9", "httpx2==2.16.2"),
    "Authlib, threads": with_packages("authlib_threads", "authlib==1.9.9", "httpx2==2.16.2"),
    "google-auth, threads": with_packages("google_auth", "google-auth==2.62.2", "requests"),
    "**zustax**": LOCAL["**zustax**"],
}
