"""Silent refresh while everything goes wrong at once, by chance, and what must hold then.

    uv run python -m tests.chaos --seconds 60 --seed 7

A server with short-lived tokens delays, refuses, breaks off and revokes, and a firewall in front of
it answers with pages of its own. Several processes share a session over files: one with 50 tasks
and 4 threads, two with fewer, one that forks children. One more has a session in memory. Users log
out and in again, requests are cancelled, event loops are blocked, processes are stopped and killed,
the disk is full for a while. No session may be lost that the server would have let live, except
when a process is killed between the rotation and the write. The seed decides what is tried, and the
machine when; so a seed that failed is likely, and not sure, to fail again.
"""
