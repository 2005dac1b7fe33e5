"""The solutions that are compared, each as a program that does what a scenario says.

A program reads commands from its standard input and tells on its standard output what became of
them, one JSON object a line. So those of other languages play the same scenarios:

    {"do": "start", "url": …, "timeout": …}
                                       begin anew, logged out, at the server of that URL, with
                                       seconds for a refresh call, or null for the default
    {"do": "login", "tokens": {…}}     the answer to a login
    {"do": "logout"}
    {"do": "forget_refresh_token"}
    {"do": "expire"}                   the lifetime of the access token is over
    {"do": "get", "request": 1, "path": …}
    {"do": "cancel", "request": 1}
    {"do": "look"}                     deal with what has arrived, then say which token is held

    {"ready": its name, "can_cancel": whether a request of it can be cancelled}
    {"settled": 1, "outcome": in the words of the table}
    {"told": that the user must log in, in its own words}
    {"access_token": the one that it holds}
"""
