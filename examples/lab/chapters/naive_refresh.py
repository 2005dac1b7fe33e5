"""The naive refresh, and its slips.

An access token expires after minutes, a refresh token after days. A request that is answered 401
for an expired token is to be saved without anybody noticing: ask for a new token, send the request
once more. What is pasted everywhere for it is two interceptors, a flag and a queue:

- on the way out, add the token to the request;
- on the way back, if the answer is 401 and no refresh runs, raise the flag, refresh, send the
  request again;
- if a refresh runs, wait in the queue, and send the request again when it is over.

`examples/lab/naive.py` is that, with twelve bugs that can be switched on, one flag for each. From
here on every bug has two experiments: the scene in which it shows, and the same scene with this
bug mended. All that come after it are still there, all that came before are gone.

Three are slips of the pen.

**MISSPELT_STATUS.** The handler reads `response.stauts`, which does not exist. JavaScript gives
`undefined`, which is not 401. Nothing is ever refreshed, and no error says so.

**MISSPELT_MARK.** A request that was sent again is marked, so that it is not refreshed for a
second time. The mark is set as `retry` and read as `_retry`. A path that is refused whatever the
token is goes on and on: refused, refreshed, sent again, refused. The lab stops it after six
replies.

**MARKS_ONLY_THE_LEADER.** Only the request that begins a refresh is marked. One that waited in the
queue is not, and if it is refused again it begins a refresh of its own.
"""

from __future__ import annotations

from ..naive import Bug
from ..scenes import experiments_with

EXPERIMENTS = experiments_with(Bug.MISSPELT_STATUS, Bug.MISSPELT_MARK, Bug.MARKS_ONLY_THE_LEADER)
