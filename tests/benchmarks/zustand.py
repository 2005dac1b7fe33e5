"""Zustand itself, in a process of Node that lives as long as the benchmark."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .blocks import Block
from .contenders import Contender

SCRIPT = Path(__file__).with_name("zustand.mjs")


@contextmanager
def zustand() -> Iterator[Contender]:
    """Install Zustand in a temporary directory and give the contender; it needs Node and npm."""
    with TemporaryDirectory() as directory:
        try:
            process = start(Path(directory))
        except (ImportError, subprocess.SubprocessError) as error:
            reason = str(error)

            def missing(listeners: int) -> Block:
                raise ImportError(reason)

            yield missing
            return
        with process:
            yield lambda listeners: block_of(process, listeners)
            assert process.stdin is not None
            process.stdin.close()


def start(directory: Path) -> subprocess.Popen[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ImportError("needs Node and npm")
    install = [npm, "install", "--silent", "--no-fund", "--no-audit", "zustand"]
    subprocess.run(install, cwd=directory, check=True, timeout=120)
    script = shutil.copy(SCRIPT, directory)
    return subprocess.Popen(
        [node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def block_of(process: subprocess.Popen[str], listeners: int) -> Block:
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def block(changes: int) -> float:
        requests.write(f"{listeners} {changes}\n")
        requests.flush()
        return float(answers.readline())

    return block
