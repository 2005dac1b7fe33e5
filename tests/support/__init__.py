"""Tools for tests that talk over real sockets.

    AuthServer       server.py    signs users in; waits and misbehaves as a test says
    App              app.py       an instance with silent refresh over a store, on such a server
    AsyncClient      clients.py   makes requests in the background, as tasks
    SyncClient       clients.py   makes requests in the background, in threads
    STORE_KINDS      stores.py    every kind of store that can hold a session
    SignalRecorder   signals.py   what was signalled about an instance
    wait_until       waiting.py   waits for a condition, not for a time

Everything that waits has a bound, and ends with the block or fixture that it belongs to.
"""
