"""What to use instead of options that other libraries have; errors and docs are made of this."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

_CLIENT = (
    "hand in a client that does it, as in "
    "`create(client=httpx.AsyncClient(verify=context, http2=True, limits=limits))`"
)
_SOCKET = "hand in a client with `transport=httpx.AsyncHTTPTransport(uds=path)`"
_COOKIES = "leave it out: cookies are kept, and sent to the server that set them"
_REDIRECTS = "use `max_redirects`: redirects are followed, and 0 follows none"
_DATA = "use `data`: a dict or list becomes JSON; text, bytes and iterators are sent as they are"
_ENCODING = "take the bytes (`response_type='bytes'`) and decode them"
_PLAIN = "send `headers={'Accept-Encoding': 'identity'}`: what is compressed is decompressed"
_AGAIN = "add a function to `api.interceptors.network` that calls `proceed(config)` again"

#: What to do instead, and the options of axios that it replaces.
AXIOS = {
    _CLIENT: (
        *("httpAgent", "httpsAgent", "transport", "family", "lookup"),
        *("httpVersion", "http2Options", "insecureHTTPParser"),
    ),
    _SOCKET: ("socketPath", "allowedSocketPaths"),
    _COOKIES: ("withCredentials",),
    "leave it out: there is no fetch() and no FormData behind an instance": ("fetchOptions", "env"),
    "use `signal=AbortController().signal`": ("cancelToken",),
    _ENCODING: ("responseEncoding",),
    "add a function to `transform_response`": ("parseReviver",),
    _PLAIN: ("decompress",),
    "read a `response_type='stream'`, or send an iterator, as slowly as you like": ("maxRate",),
    "use `transform_response=json.loads` for an error where JSON does not parse": ("transitional",),
    "write the form as text: names have brackets otherwise": ("formSerializer",),
    "set `headers`: a form brings none of its own": ("formDataHeaderPolicy",),
    "take headers out in `before_redirect`": ("sensitiveHeaders",),
}

#: The same for options of requests, httpx, aiohttp, urllib3 and fetch().
OTHERS = {
    _DATA: ("json", "content", "body"),
    "use `api.post_form(url, {'name': file})`": ("files", "fields"),
    "use `params`": ("query_params", "search_params"),
    _CLIENT: (
        *("verify", "cert", "ssl", "ssl_context", "verify_ssl", "http1", "http2"),
        *("limits", "mounts", "connector", "cookie_jar", "keepalive", "pool_maxsize"),
    ),
    "hand in a client with `transport=httpx.ASGITransport(app)`": ("app",),
    "use `proxy`; False ignores the environment": ("proxies", "trust_env"),
    "use `proxy={'host': host, 'auth': (name, password)}`": ("proxy_auth", "proxy_headers"),
    _REDIRECTS: ("follow_redirects", "allow_redirects", "redirect"),
    "use `response_type='stream'`": ("stream", "preload_content"),
    "use `validate_status=None` to accept every status": ("raise_for_status",),
    "use `api.interceptors`": ("event_hooks", "hooks", "middlewares"),
    _AGAIN: ("retries", "retry"),
    "put marks of your own into `extra`, a dict": ("_retry", "extensions", "trace_request_ctx"),
    _COOKIES: ("credentials",),
    "set `headers={'User-Agent': …}`": ("user_agent",),
    "set `headers={'Content-Type': …}`": ("content_type",),
    "set `headers={'Authorization': …}`, or use `silent_refresh(api, store)`": ("token", "bearer"),
    "set a header to None: it is not sent": ("skip_auto_headers",),
    _PLAIN: ("auto_decompress",),
    _ENCODING: ("encoding", "default_encoding"),
    "compress `data` yourself, and set `headers={'Content-Encoding': …}`": ("compress",),
    "use an iterator as `data`": ("chunked",),
}


def unknown_option(name: str, options: Collection[str]) -> str:
    """Return the text of an error: what to do instead, or which option has the nearest name."""
    snake = _in_snake_case(name)
    if snake in _INSTEAD:
        return f"unknown option {name!r}; {_INSTEAD[snake]}"
    near = difflib.get_close_matches(snake, sorted(options), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the options are {sorted(options)}"
    return f"unknown option {name!r}; {hint}"


def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


_INSTEAD = {
    _in_snake_case(name): instead.replace("`", "")
    for instead, names in (*OTHERS.items(), *AXIOS.items())
    for name in names
}
