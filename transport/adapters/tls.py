"""The certificates that an instance's own clients trust."""

from __future__ import annotations

import asyncio
import functools
import ssl

import httpx


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return one context for all clients: reading the certificates takes longest of all."""
    return httpx.create_ssl_context()


async def load_ssl_context() -> None:
    """Read the certificates off the event loop, unless they have been read."""
    if not ssl_context.cache_info().currsize:
        await asyncio.to_thread(ssl_context)
