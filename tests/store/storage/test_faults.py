"""Whatever happens to a storage in files, no text that was ever written is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest

from .processes import Process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")

FAULTS = [
    "none",
    "killed",
    "damaged",
    "another version",
    "too many files",
    "full",
    "missing",
    "locked",
    "of another program",
    "a slip in migrate",
    "no return in migrate",
    "a slip in merge",
    "a slip in deserialize",
    "throttled",
]


@pytest.mark.parametrize("starts", [8, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_every_text_is_in_the_file_or_was_set_aside(starts: int, tmp_path: Path) -> None:
    directory, archive = tmp_path / "state", tmp_path / "archive"
    file = directory / "app"
    archive.mkdir()
    random = Random(starts)
    written = set[str]()
    previous = "none"
    for start in range(starts):
        fault = FAULTS[start] if start < len(FAULTS) else random.choice(FAULTS)
        if fault in ("missing", "damaged", "of another program") and file.exists():
            shutil.copy(file, archive / f"{start}")  # what the test takes away is not lost
        if fault == "missing":
            shutil.rmtree(directory)
        elif fault == "damaged" and file.exists():
            content = file.read_bytes()
            mark = f"damaged-{start}"
            file.write_bytes(mark.encode() + content[: random.randrange(len(content))] + b"\xff")
            written.add(mark)
        elif fault == "of another program":
            file.write_text(f'{{"theme": "foreign-{start}"}}')
            written.add(f"foreign-{start}")

        written |= run(directory, start, fault, random)

        kept = [each for each in directory.iterdir() if each.name.startswith("app.corrupt-")]
        for each in kept:  # or the storage itself would remove the oldest
            each.rename(archive / each.name)
        texts = b"\n".join(each.read_bytes() for each in (file, *archive.iterdir()))
        lost = {name for name in written if name.encode() not in texts}
        assert not lost, f"start {start}: {fault} after {previous}"
        previous = fault


def run(directory: Path, start: int, fault: str, random: Random) -> set[str]:
    """Run the program once, and return the names that it says it has saved."""
    saved = set[str]()
    with Process("faulty", directory, start, fault) as process:
        if fault == "killed":
            for _ in range(random.randrange(4, 40)):
                saved.add(process.line())
            process.kill()
            return saved
        process.end()
        saved.update(process.rest())
    assert saved, "the last entry is saved whatever was wrong"
    return saved
