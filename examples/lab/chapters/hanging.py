"""Who is never told.

A caller can live with an error. A caller that is told nothing waits for ever, and so does the
screen that shows its spinner. On this stage every reply is let go by hand, so it is known when no
more will come; whoever has not been answered a moment later *hangs*, for certain.

**TELLS_NOBODY.** The queue is called when a refresh succeeds. When it fails, nobody thinks of it:
the request that began the refresh gets an error, and all that wait hang. Mended: the queue is
settled on both ways.

**RAISES_ANOTHERS_ERROR.** Now all are told, but of a `403` from `/auth/refresh`. The caller asked
for `/a` and may have a plan for a 401 of `/a`; it has none for this. Mended: each raises its own
error, with that of the refresh as its cause.

**SAME_DOOR.** The refresh call goes through the instance that has the interceptors. If it is
answered 401 itself, the handler finds that a refresh is running, and lets it wait in the queue:
the refresh waits for itself. Mended: it takes another door, an instance without interceptors.

**DIES_WITH_THE_LEADER.** The refresh runs inside the request that began it. When that is cancelled
(a page is left, a timeout strikes) the refresh is cut off with it. The server has rotated the
token, nobody has the new one, and those in the queue hang. A promise cannot be cancelled, so the
original has this bug only once it is ported. Mended: the refresh is a task of its own, and the
leader waits for it like everybody else.
"""

from __future__ import annotations

from ..naive import Bug
from ..scenes import experiments_with

EXPERIMENTS = experiments_with(
    Bug.TELLS_NOBODY,
    Bug.RAISES_ANOTHERS_ERROR,
    Bug.SAME_DOOR,
    Bug.DIES_WITH_THE_LEADER,
)
