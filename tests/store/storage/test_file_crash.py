"""Files survive what processes and systems do to them."""

import os
import tempfile
from pathlib import Path

import pytest

from .processes import Process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and rights of POSIX")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_after_each_of_200_kills_the_file_holds_a_whole_state(tmp_path: Path) -> None:
    with Process("killed", tmp_path / "state", 200) as process:
        assert process.line() == "survived"
        process.end()


@pytest.mark.parametrize(
    ("how", "reason"), [("full", "File too large"), ("read-only", "Permission denied")]
)
def test_what_cannot_be_written_leaves_the_former_text(how: str, reason: str) -> None:
    with (
        tempfile.TemporaryDirectory() as parent,  # one that another user may enter
        Process("refused", Path(parent, "state"), how) as process,
    ):
        Path(parent).chmod(0o755)
        assert process.line() == f"{parent}/state/app cannot be written: {reason}"
        assert process.line() == "old"
        assert process.line() == "app"
        process.end()
        Path(parent, "state").chmod(0o700)
