"""Calls on an instance in all their forms, and what came of them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from zustax.transport import CanceledError, RequestConfig, RequestError, Response

from .functions import RaisedError
from .values import encode


def begin(api: Any, call: dict[str, Any], options: dict[str, Any]) -> Any:
    """Make the call: gives what ``api`` returns, which under ``create`` is yet to be awaited."""
    match call["form"]:
        case "config":
            return api(RequestConfig(**options))
        case "request":
            return api.request(RequestConfig(**options))
        case "mapping":
            return api(options)
        case "url":
            return api(call["url"], **options)
        case "request_url":
            return api.request(call["url"], **options)
        case method if "data" in call:
            return getattr(api, method)(call["url"], call["data"], **options)
        case method:
            return getattr(api, method)(call["url"], **options)


async def outcome(pending: Awaitable[Any], call: dict[str, Any]) -> dict[str, Any]:
    """What came of a call; the call says what is to be seen of a response."""
    try:
        result = await pending
    except RaisedError as error:
        return {"raised": str(error)}
    except RequestError as error:
        return {"error": _error(error, call)}
    if isinstance(result, Response):
        return {"response": _response(result, call)}
    return {"value": encode(result)}


def _error(error: RequestError, call: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "canceled": isinstance(error, CanceledError),
        "response": None if error.response is None else _response(error.response, call),
    }


def _response(response: Response, call: dict[str, Any]) -> dict[str, Any]:
    seen = {"status": response.status, "data": encode(response.data)}
    if call.get("see_status_text"):
        seen["status_text"] = response.status_text
    if "see_headers" in call:
        seen["headers"] = {name: response.headers.get(name) for name in call["see_headers"]}
    return seen
