"""Silent refresh among everything that can go wrong at once, by chance, and what must hold then.

    uv run python -m tests.chaos --seconds 60 --seed 7

A server with short-lived tokens delays, refuses, breaks off and revokes. Three processes share a
session over a `FileStorage`: one with 50 tasks and 4 threads, two with fewer. Users log out and in
again, requests are cancelled, a process is killed. The seed decides what is tried, and the machine
when; so a seed that failed is likely, and not sure, to fail again.
"""
