"""Tools for tests that talk over real sockets.

    App              app.py       an instance with silent refresh over a store, on a server
    AsyncClient      clients.py   makes requests in the background, as tasks
    SyncClient       clients.py   makes requests in the background, in threads
    STORE_KINDS      stores.py    every kind of store that can hold a session
    connected        sockets.py   a client that is nothing but a socket

The server, the recorder of signals and the waiting are those of `zustax.transport.testing`; a few
of its names are to be had here, too, as the tests call them:

    AuthServer       server.py    `MisbehavingServer`
    Answer, Seen     http1.py     `Answer`, `SeenRequest`
    SIGNALS          signals.py   the signals of a session
    wait_until       waiting.py   with the bound of the tests

Everything that waits has a bound, and ends with the block or fixture that it belongs to.
"""
