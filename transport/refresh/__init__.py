"""Silent refresh: a request gets a 401, the token is refreshed once, and the request is replayed.

Read a refresh in three files: ``guard`` is what a request goes through, ``renewal`` is one refresh,
``token_session`` is what instances over one store share.
"""
