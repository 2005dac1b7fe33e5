"""Which changes of a state were made in this process, and when."""

from threading import Lock


class LocalChanges:
    """Keeps what another process has written from overtaking a newer change of this one.

    A local change begins before the state changes, and has ended when the state is written. What is
    read from the storage between is older than the change, and so is what was read before it began.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun = 0
        self._under_way = 0
        self._is_reading_due = False

    def begin(self) -> None:
        """Note that the state is about to change."""
        with self._lock:
            self._begun += 1
            self._under_way += 1

    def end(self) -> bool:
        """Note that the changed state is written, or cannot be.

        Returns:
            Whether somebody wanted to read the storage meanwhile, and now may.
        """
        with self._lock:
            self._under_way -= 1
            is_due = self._is_reading_due and self._under_way == 0
            if is_due:
                self._is_reading_due = False
            return is_due

    def mark(self) -> int | None:
        """Note that the storage is about to be read.

        Returns:
            A mark for `have_begun_since`; None while a change is under way, whose `end` says then
            that the reading is due.
        """
        with self._lock:
            self._is_reading_due = self._under_way > 0
            return None if self._is_reading_due else self._begun

    def have_begun_since(self, mark: int) -> bool:
        """Tell whether a change has begun since a mark was made."""
        return self._begun != mark
