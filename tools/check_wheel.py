"""Check the wheel that is installed: what is in it, what it says of itself, and README's example.

python -I tools/check_wheel.py dist/zustax-0.2.0-py3-none-any.whl
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from zipfile import ZipFile

import zustax.store
import zustax.transport

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

sys.path.append(str(EXAMPLES))

from backend import running_backend  # noqa: E402

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def problems_in(wheel: Path) -> list[str]:
    """Say what is missing in the file, or should not be there."""
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (path for part in ("store", "transport") for path in (ROOT / part).rglob("*"))
    wanted = {
        f"zustax/{path.relative_to(ROOT).as_posix()}"
        for path in files
        if path.suffix == ".py" or path.name == "py.typed"
    }
    return [
        f"{name} is only in the {'source' if name in wanted else 'wheel'}"
        for name in sorted(packed ^ wanted)
    ]


def problems_in_metadata() -> list[str]:
    """Say what is wrong in what an index shows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = metadata("zustax")
    versions = {found["Version"], zustax.store.__version__, zustax.transport.__version__}
    prose = BLOCK.sub("", str(found.json["description"]))
    problems = [
        f"the description links to {link}, which leads nowhere on an index"
        for link in re.findall(r"\]\((?!https?:)([^)]*)\)", prose)
    ]
    if versions != {project["version"]}:
        problems.append(f"the versions are {versions}, not {project['version']}")
    if set(found.get_all("Provides-Extra", [])) != set(project["optional-dependencies"]):
        problems.append("the extras are not those of pyproject.toml")
    return problems


def problems_in_example() -> list[str]:
    """Say what README's first example shows, if it is not what README says."""
    blocks = BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    languages = [language for language, _ in blocks]
    program = blocks[languages.index("python")][1]
    shown = blocks[languages.index("text")][1]
    with running_backend() as backend:
        program = program.replace("http://localhost:3001/api", backend.base_url)
        ended = subprocess.run(  # noqa: S603 - our own README
            [sys.executable, "-I", "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return (
        [] if ended.stdout == shown else [f"README's example shows {ended.stdout + ended.stderr}"]
    )


if __name__ == "__main__":
    found = [*problems_in(Path(sys.argv[1])), *problems_in_metadata(), *problems_in_example()]
    sys.exit("\n".join(found) or None)
