"""A library that only one storage needs is asked for when that is used."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zustax.store import create_store, persist
from zustax.store.storage import FileStorage, KeyringStorage, MemoryStorage, RedisStorage

USES: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "lock of files": ("filelock", "file", lambda path: FileStorage(path).lock("a").__enter__()),
    "whether files can be locked": (
        "filelock",
        "file",
        lambda path: create_store(
            persist(lambda: {"n": 0}, name="app", storage=FileStorage(path))
        ).persist.ensure_lockable(),
    ),
    "directory for files": ("platformdirs", "file", lambda path: FileStorage()),
    "keyring": ("keyring", "keyring", lambda path: KeyringStorage("app", directory=path)),
    "redis": ("redis", "redis", lambda path: RedisStorage(None)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("use", USES)
def test_a_missing_library_is_named_with_its_extra(
    use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, extra, function = USES[use]
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"needs {library}: install zustax\[{extra}\]"):
        function(tmp_path)


def test_a_library_that_is_broken_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis.py").write_text("import no_such_library")
    monkeypatch.delitem(sys.modules, "redis", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    client: Any = None
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        RedisStorage(client)


def test_importing_the_store_imports_none_of_them() -> None:
    program = (
        "import sys, zustax.store\n"
        "zustax.store.FileStorage('x').get_item('a')\n"
        "print({'filelock', 'platformdirs', 'keyring', 'redis'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert run.stdout.strip() == "set()"


def test_a_storage_that_can_be_locked_or_has_no_lock_is_fine(tmp_path: Path) -> None:
    for storage in (FileStorage(tmp_path), MemoryStorage()):
        store = create_store(persist(lambda: {"n": 0}, name="app", storage=storage))
        store.persist.ensure_lockable()
    assert list(tmp_path.iterdir()) == []
