"""Real processes, each of which runs a program of `programs/`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from types import TracebackType

ROOT = Path(__file__).parents[3]

#: Seconds after which a program has failed. Nothing is expected to come near it.
BOUND = 150


def command(program: str, *arguments: object) -> list[str]:
    """Give the command that runs a program, in the directory `ROOT`."""
    module = f"{__package__}.programs.{program}"
    return [sys.executable, "-W", "error", "-m", module, *map(str, arguments)]


class Process:
    """A program that is told lines and answers with lines.

    Args:
        program: The name of the program.
        arguments: What it is called with.
    """

    def __init__(self, program: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            command(program, *arguments),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._lines: Queue[str | None] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        """Give the next line that the program writes."""
        line = self._lines.get(timeout=BOUND)
        assert line is not None, "the program has ended"
        return line

    def wait_for(self, line: str) -> None:
        """Read lines until this one comes."""
        while self.line() != line:
            pass

    def rest(self) -> Iterator[str]:
        """Read the lines up to the end of the program."""
        while (line := self._lines.get(timeout=BOUND)) is not None:
            yield line

    def end(self) -> None:
        """Wait for the end of the program, which has to be a good one."""
        assert self.process.wait(BOUND) == 0

    def kill(self) -> None:
        """End the program in the middle of whatever it does."""
        self.process.kill()
        self.process.wait(BOUND)
        self._reader.join(BOUND)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def increment_at_once(kind: str, place: object) -> int:
    """Let four processes count up in one storage, and give how high they have to come."""
    with running(4, "increment", kind, place, 100) as processes:
        for process in processes:
            process.wait_for("ready")
        for process in processes:
            process.tell("go")
        for process in processes:
            process.end()
    return 400


@contextmanager
def running(count: int, program: str, *arguments: object) -> Iterator[list[Process]]:
    """Run a program several times at once."""
    processes = [Process(program, *arguments) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
