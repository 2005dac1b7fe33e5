"""Too late, and too early.

Nothing fails here. Two things are done that need not be, and under load they are done often.

**REFRESHES_FOR_THE_LATE.** Two requests leave with the old token. One is refused, a refresh runs
and ends; then the other's 401 arrives. No refresh runs now, so it begins one, although the store
has held a new token for a while. Mended: compare the token that the request carried with the one
in the store.

**LEAVES_ANYWAY.** A request that begins while a refresh runs leaves at once, with a token that is
known to be dead, is refused, and is sent again. Mended: it waits in the queue before it leaves.
"""

from __future__ import annotations

from ..naive import Bug
from ..scenes import experiments_with

EXPERIMENTS = experiments_with(Bug.REFRESHES_FOR_THE_LATE, Bug.LEAVES_ANYWAY)
