"""How far a transfer has come (axios's ``onUploadProgress`` and ``onDownloadProgress``)."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import frozen

from ..arity import call

#: Seconds between two events of one transfer, except the last: three a second, as in axios.
_INTERVAL = 1 / 3


@frozen
class ProgressEvent:
    """What a progress listener is given (axios's ``AxiosProgressEvent``).

    Attributes:
        loaded: Bytes that were transferred so far. Those of a response are counted decoded.
        total: Bytes that there will be; ``None`` if the server does not say.
        bytes: Bytes since the last event.
        is_upload: True for the body of the request, False for that of the response.
        seconds: Seconds since the transfer began.
    """

    loaded: int
    total: int | None
    bytes: int
    is_upload: bool
    seconds: float

    @property
    def progress(self) -> float | None:
        """The part that was transferred, from 0 to 1; ``None`` if the total is not known."""
        return self.loaded / self.total if self.total else None

    @property
    def rate(self) -> float | None:
        """Bytes per second since the transfer began; ``None`` where no time has passed."""
        return self.loaded / self.seconds if self.seconds > 0 else None

    @property
    def estimated(self) -> float | None:
        """Seconds that the rest will take at this rate; ``None`` if that cannot be known."""
        if self.total is None or not self.rate or self.loaded > self.total:
            return None
        return (self.total - self.loaded) / self.rate


class Meter:
    """Counts the bytes of a transfer and notifies a listener, whose exceptions end the request."""

    def __init__(
        self,
        listener: Callable[[ProgressEvent], object],
        total: int | None,
        *,
        is_upload: bool,
    ) -> None:
        self._listener = listener
        self._total = total
        self._is_upload = is_upload
        self._began = time.monotonic()
        self._loaded = 0
        self._reported = 0
        self._reported_at: float | None = None

    def add(self, count: int) -> None:
        """Count what has just been transferred."""
        self._loaded += count
        now = time.monotonic()
        is_last = self._loaded == self._total
        if is_last or self._reported_at is None or now - self._reported_at >= _INTERVAL:
            self._report(now)

    def end(self) -> None:
        """Report what was not reported yet."""
        if self._reported != self._loaded:
            self._report(time.monotonic())

    def _report(self, now: float) -> None:
        news = self._loaded - self._reported
        self._reported, self._reported_at = self._loaded, now
        seconds = now - self._began
        event = ProgressEvent(self._loaded, self._total, news, self._is_upload, seconds)
        call(self._listener, event)
