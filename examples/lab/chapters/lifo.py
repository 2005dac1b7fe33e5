"""Why last in, first out.

Requests pass the interceptors in one order and responses in the other. That is no whim: both ways,
**the one that was added first is nearest to the server**. An instance with interceptors is an
onion, and whoever adds another pair wraps what is there, without knowing what is in it.

    added later ( added first ( server ) )

It matters as soon as one interceptor depends on another. Here a library makes an instance that
signs what it sends. A program is handed that instance and adds a language to its requests. The
signature must cover the language, so the signing has to come last, although it was there first.
Last in, first out gives just that, and neither has to know of the other.

In the second experiment the two are added the other way round: signed first, changed afterwards,
and the server refuses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from zustax.transport import RequestConfig, record
from zustax.transport.testing import Answer, SeenRequest

from ..figure import Figure
from ..shop import noting, shop


def signature(language: str) -> str:
    return hashlib.sha256(language.encode()).hexdigest()


def sign(config: RequestConfig) -> RequestConfig:
    language = config.headers.get("Accept-Language") or ""
    config.headers["X-Signature"] = signature(str(language))
    return config


def add_language(config: RequestConfig) -> RequestConfig:
    config.headers["Accept-Language"] = "eo"
    return config


def check(request: SeenRequest) -> Answer:
    is_right = request.headers["x-signature"] == signature(request.headers["accept-language"])
    return Answer(200 if is_right else 403)


async def the_library_first() -> Figure:
    return await signed_and_changed(
        "The library adds sign, the program adds add_language",
        [sign, add_language],
        "answered 200",
    )


async def the_program_first() -> Figure:
    return await signed_and_changed(
        "The other way round",
        [add_language, sign],
        "answered 403",
    )


async def signed_and_changed(
    title: str, interceptors: list[Callable[[RequestConfig], RequestConfig]], claim: str
) -> Figure:
    async with shop() as (api, server):
        server.behave("/signed", check)
        for interceptor in interceptors:
            api.interceptors.request.use(interceptor)
        with record(api) as trace:
            response = await api.get("/signed", validate_status=None)
    return Figure(title, [claim], [f"answered {response.status}"], trace.events)


async def an_onion() -> Figure:
    passed: list[str] = []

    async with shop() as (api, _server):
        for name in ("first", "second", "third"):
            api.interceptors.request.use(noting(passed, f"{name} out"))
            api.interceptors.response.use(noting(passed, f"{name} back"))
        with record(api) as trace:
            await api.get("/items")
    return Figure(
        "Three layers",
        ["third out, second out, first out", "first back, second back, third back"],
        [", ".join(passed[:3]), ", ".join(passed[3:])],
        trace.events,
    )


EXPERIMENTS = (the_library_first, the_program_first, an_onion)
