"""What exceptions of clients say, without what they quote: a header line may hold a token."""

from __future__ import annotations

import re

from ..secrecy import with_causes

_NO_HTTP = "the server's answer is not valid HTTP"

#: What to say instead, by the name of the class or of one that it derives from.
_WORDS = {
    "RemoteProtocolError": _NO_HTTP,  # of httpx, httpcore and h11
    "LocalProtocolError": "the request is not valid HTTP: check its headers and its body",
    "ProtocolError": _NO_HTTP,  # of h2
    "ProxyError": "the proxy did not open the connection",
    "ClientHttpProxyError": "the proxy did not open the connection",  # of aiohttp, as the rest
    "ClientResponseError": _NO_HTTP,
    "HttpProcessingError": _NO_HTTP,
    "ClientPayloadError": "the server's answer ended too early, or is not valid HTTP",
}

#: What quotes nothing.
_HARMLESS = re.compile("Server disconnected|peer closed connection")


def in_own_words(error: BaseException) -> None:
    """Replace what ``error`` and its causes say, where that may quote what was sent or received."""
    for one in with_causes(error):
        names = (kind.__name__ for kind in type(one).__mro__)
        words = next((_WORDS[name] for name in names if name in _WORDS), None)
        text = str(one)
        if words is not None and not _HARMLESS.match(text):
            if text[:3].isdigit() and not hasattr(one, "status"):
                words = f"{words} ({text[:3]})"  # which a proxy has answered
            one.args = (words,)
            quoting = {name for name, value in vars(one).items() if isinstance(value, (str, bytes))}
            vars(one).update(dict.fromkeys(quoting, words))
            if hasattr(one, "headers"):
                vars(one)["headers"] = None
