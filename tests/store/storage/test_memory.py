"""A storage in memory."""

from zustax.store.storage import MemoryStorage


def test_it_keeps_replaces_and_forgets() -> None:
    storage = MemoryStorage()
    assert storage.get_item("a") is None
    storage.set_item("a", "1")
    storage.set_item("a", "2")
    assert storage.get_item("a") == "2"
    storage.remove_item("a")
    storage.remove_item("a")
    assert storage.get_item("a") is None


def test_it_begins_with_a_copy_of_what_it_is_given() -> None:
    items = {"a": "1"}
    storage = MemoryStorage(items)
    storage.set_item("a", "2")
    assert items == {"a": "1"}


def test_it_does_not_show_what_it_holds() -> None:
    assert "secret" not in repr(MemoryStorage({"a": "secret"}))
