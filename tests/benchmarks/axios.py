"""axios itself, in a process of Node that lives as long as the benchmark."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .blocks import Block

SCRIPT = Path(__file__).with_name("axios.mjs")


@contextmanager
def axios(url: str) -> Iterator[Block]:
    """Install axios in a temporary directory, and give a block of GETs that are sent at once.

    Raises:
        ImportError: Node or npm is missing, or axios cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ImportError("needs Node and npm")
    with TemporaryDirectory() as directory:
        install = [npm, "install", "--silent", "--no-fund", "--no-audit", "axios"]
        try:
            subprocess.run(install, cwd=directory, check=True, timeout=120)
        except subprocess.SubprocessError as error:
            raise ImportError("axios cannot be installed") from error
        script = shutil.copy(SCRIPT, directory)
        process = subprocess.Popen(
            [node, script, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with process:
            yield lambda requests: _seconds(process, requests)
            assert process.stdin is not None
            process.stdin.close()


def _seconds(process: subprocess.Popen[str], requests: int) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{requests}\n")
    process.stdin.flush()
    return float(process.stdout.readline())
