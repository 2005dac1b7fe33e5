"""The lines for libraries that take an httpx client, run against a server that refuses a token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gql import gql
from zustax.transport.testing import Answer, AuthorityError, MisbehavingServer, SeenRequest

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
    ],
}


def lines_of(heading: str, server: MisbehavingServer) -> dict[str, Any]:
    """Run the first block of the page and that of a section, and return what they define."""
    page = PAGE.read_text(encoding="utf-8")
    first = BLOCK.findall(page)[0]
    section = BLOCK.findall(page, page.index(f"\n## {heading}\n"))[0]
    code = f"import httpx2\n{first}\n{section}".replace("http://localhost:3001", server.url)
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    return namespace


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as server:

        def answer(request: SeenRequest) -> Answer:
            try:
                server.authority.verify(request.token or "")
            except AuthorityError:
                return Answer(401, {"error": {"message": "expired"}})
            if request.path.endswith("/graphql"):
                return Answer(body={"data": {"me": "ada"}})
            return Answer(body=COMPLETION)

        for path in ("/api/graphql", "/api/chat/completions"):
            server.behave(path, answer)
        server.behave("/api/auth/refresh", lambda request: Answer(body=renewed(server, request)))
        yield server


def renewed(server: MisbehavingServer, request: SeenRequest) -> dict[str, Any]:
    return server.authority.refresh(json.loads(request.body)["refresh_token"]).as_dict()


def log_in(server: MisbehavingServer, store: Any) -> None:
    tokens = server.login("ada")
    store.login(tokens.access_token, tokens.refresh_token)
    server.expire()


async def test_the_sdk_of_openai_shares_the_session(server: MisbehavingServer) -> None:
    found = lines_of("OpenAI SDK", server)
    log_in(server, found["store"])
    async with found["api"], found["sdk"] as sdk:
        answer = await sdk.chat.completions.create(model="m", messages=[])
    assert answer.choices[0].message.content == "hello"
    assert found["handle"].stats.refreshes == 1


async def test_a_client_of_gql_shares_the_session(server: MisbehavingServer) -> None:
    found = lines_of("gql", server)
    log_in(server, found["store"])
    async with found["api"], found["graphql"] as session:
        assert await session.execute(gql("{ me }")) == {"me": "ada"}
    assert found["handle"].stats.refreshes == 1
