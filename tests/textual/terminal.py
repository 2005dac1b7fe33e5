"""A real terminal, by tmux."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ..support.waiting import BOUND, wait_until


def binary() -> str:
    """Find tmux; skip the test where there is none, but not in CI."""
    found = shutil.which("tmux")
    if found is None:
        assert not os.environ.get("CI"), "tmux is missing: run .ci/services"
        pytest.skip("tmux is not on this machine: .ci/services installs it")
    return found


class Terminal:
    """A terminal of 80 columns and 24 lines, in which a command runs.

    Args:
        directory: Where its socket may be; a path that is short enough for one.
        command: What to run. The last line then says with which code it has ended.
    """

    def __init__(self, directory: Path, *command: str) -> None:
        self._tmux = [binary(), "-S", str(directory / "tmux"), "-f", os.devnull]
        shell = f"{shlex.join(command)}; echo ended with $?; read -r _"
        self._run("new-session", "-d", "-x", "80", "-y", "24", shell)

    def press(self, *keys: str) -> None:
        """Press keys, by the names that tmux has for them; a text is typed."""
        self._run("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(lines))

    def shown(self) -> str:
        """What stands in it."""
        return self._run("capture-pane", "-p")

    def wait_for(self, *texts: str) -> None:
        """Wait until all of the texts stand in it."""
        wait_until(
            lambda: all(text in self.shown() for text in texts),
            6 * BOUND,  # at first, a Python has to start
            missing=lambda: f"{texts} do not all stand in:\n{self.shown()}",
        )

    def close(self) -> None:
        """End whatever runs in it."""
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        ended = subprocess.run(
            [*self._tmux, *arguments],
            env=environment | {"LANG": "C.UTF-8", "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=True,
        )
        return ended.stdout
