"""The clients of httpx that an instance sends with: one, and one more for each proxy.

httpx ties a client to its proxy, and axios takes the proxy of each request from its options. So a
request with a ``proxy`` of its own goes through a client of that proxy; all share their cookies.
"""

from __future__ import annotations

import threading
from http.cookiejar import CookieJar
from typing import Any

import httpx
from attrs import define

from ..client import ClientHolder, ssl_context
from ..errors import RequestError
from ..proxy import Proxy, Way
from ..runtime import Runtime
from .gate import Gate

#: Clients of proxies that are kept while nobody uses them.
MAX_IDLE = 16

#: Seconds that closing the instance waits for one of them to close.
_GRACE = 1.0


#: Connections of one client, as httpx has them by default; all of them are kept for a while.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)


@define(eq=False)
class _ProxyClient:
    """A client that sends through one proxy, or through none whatever the environment says."""

    client: Any
    gate: Gate | None
    users: int = 0


@define(eq=False)
class Loan:
    """A client that is in use until it is taken back."""

    client: Any
    gate: Gate | None
    lender: _ProxyClient | None = None
    has_place: bool = False

    async def enter(self) -> None:
        """Wait until the client has a connection for it."""
        if self.gate is not None:
            self.has_place = await self.gate.enter()


class HttpxClients(ClientHolder):
    """The clients of an instance, and of all instances derived from it.

    Args:
        runtime: How the instance waits.
        given: A client that was handed in, which is never closed here; ``None``: one is made.
    """

    def __init__(self, runtime: Runtime, given: Any = None) -> None:
        super().__init__(self._new_main, runtime.close, given)
        self._runtime = runtime
        self._gate: Gate | None = None
        self._proxied: dict[Proxy | bool, _ProxyClient] = {}
        self._proxied_lock = threading.Lock()

    def lend(self, way: Way) -> Loan:
        """The client for a request; `take_back` ends its use.

        Raises:
            RequestError: ``ERR_NOT_SUPPORT``: the client was handed in, and its proxy with it.
        """
        if way is None:
            return Loan(self.get(), self._gate)
        if not self.is_ours:
            raise RequestError(
                "proxy cannot be changed for a client that was handed in: give the proxy to that "
                "client, as in httpx.AsyncClient(proxy=...), or let create() make one",
                RequestError.ERR_NOT_SUPPORT,
                request_was_sent=False,
            )
        cookies = self.get().cookies.jar  # which makes the client, where there is none yet
        with self._proxied_lock:
            # Taken out and put in again: the one that was used last stands last.
            lender = self._proxied.pop(way, None) or _ProxyClient(
                self._through(way, cookies), self._new_gate()
            )
            self._proxied[way] = lender
            lender.users += 1
        return Loan(lender.client, lender.gate, lender)

    def take_back(self, loan: Loan) -> None:
        """End the use of a client; again does nothing."""
        lender, loan.lender = loan.lender, None
        if loan.gate is not None and loan.has_place:
            loan.has_place = False
            loan.gate.leave()
        if lender is None:
            return
        with self._proxied_lock:
            lender.users -= 1
            idle = [way for way, each in self._proxied.items() if not each.users]
            surplus = [self._proxied.pop(way).client for way in idle[:-MAX_IDLE]]
        for client in surplus:
            self._runtime.spawn(self._runtime.close(client), grace=_GRACE)

    async def close(self) -> None:
        """Close the clients that were made here; the next use makes others."""
        with self._proxied_lock:
            clients = [each.client for each in self._proxied.values()]
            self._proxied.clear()
        for client in clients:
            await self._runtime.close(client)
        await super().close()

    def _through(self, way: Proxy | bool, cookies: CookieJar) -> Any:
        proxy = _to_httpx(way) if isinstance(way, Proxy) else None
        return self._new(proxy=proxy, trust_env=False, cookies=cookies)

    def _new_main(self) -> Any:
        self._gate = self._new_gate()
        return self._new()

    def _new(self, **options: Any) -> Any:
        make = httpx.AsyncClient if self._runtime.is_async else httpx.Client
        return make(timeout=None, verify=ssl_context(), limits=_LIMITS, **options)

    def _new_gate(self) -> Gate | None:
        """A gate before a client; threads are too few to need one."""
        return Gate(_LIMITS.max_connections or 0) if self._runtime.is_async else None


def _to_httpx(proxy: Proxy) -> httpx.Proxy:
    is_tls = proxy.url.startswith("https:")
    return httpx.Proxy(proxy.url, auth=proxy.auth, ssl_context=ssl_context() if is_tls else None)
