"""No token, password or cookie shows in an error, however it comes about, nor anywhere else.

Each occasion below ends in an error while secrets are in play. The error is searched by `leaks`,
and so are all log records and signals of the occasion.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from typing import Any, NoReturn

import pytest
from attrs import define, field, frozen
from zustax.store import MemoryStorage, StorageError, UserStore, create_store
from zustax.transport import (
    AbortController,
    Headers,
    RequestConfig,
    RequestError,
    TokenPair,
    create_sync,
    login_required,
    merge_config,
    oauth2_refresh,
    refresh_failed,
    silent_refresh,
    token_refreshed,
)
from zustax.transport.adapters.redirects import first_request
from zustax.transport.body import transform_request
from zustax.transport.refresh.token_session import session_of
from zustax.transport.refresh.tokens import Credentials
from zustax.transport.testing import Clock, IssuedTokens

from ..support.app import App
from ..support.clients import Call, Client, SyncClient, TaskCall
from ..support.server import LOGIN, REFRESH, AuthServer
from .conftest import leave_nothing_behind, only_async
from .leaks import LogRecorder, NotingAuthority, Secrets, leaks


class MistakeError(Exception):
    """What a function of the caller's own raises."""


def mistaken(*_arguments: object, **_details: object) -> NoReturn:
    raise MistakeError


@define(eq=False)
class Stage:
    """Where an occasion takes place: a server, and programs of one kind on it."""

    kind: type[Client]
    server: AuthServer
    secrets: Secrets
    programs: ExitStack
    apps: list[App] = field(factory=list)

    def app(self, defaults: Any = None, *, login: bool = True, **options: Any) -> App:
        """A program in which ada is logged in; ``options`` are for `silent_refresh`."""
        client = self.kind.create(**{"base_url": self.server.url, **(defaults or {})})
        app = self.programs.enter_context(App(self.server, client, **options))
        self.apps.append(app)
        return app.login() if login else app

    def expired(self, **options: Any) -> App:
        """A program in which ada's access token has expired."""
        app = self.app(**options)
        self.server.expire()
        return app

    def clock(self) -> Clock:
        """The clock that everybody goes by from now on."""
        return self.programs.enter_context(Clock())

    def end(self) -> None:
        """Let everything end that is under way, and close the programs."""
        self.server.open_gates()
        for app in self.apps:
            leave_nothing_behind(app.client)

    def bearer(self) -> str:
        return f"Bearer {self.secrets.new()}"

    def credentials(self, **further: Any) -> dict[str, Any]:
        """The body of a login."""
        return {"username": "ada", "password": self.secrets.new(), **further}

    def tokens(self) -> dict[str, Any]:
        """The answer to a login or a refresh."""
        return {"access_token": self.secrets.new(), "refresh_token": self.secrets.new()}

    def function(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        """``plain`` as this kind of instance is given functions: async where it can be."""
        if self.kind is SyncClient:
            return plain

        async def function(*arguments: Any) -> Any:
            return plain(*arguments)

        return function


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def stage(kind: type[Client], secrets: Secrets) -> Iterator[Stage]:
    with AuthServer(NotingAuthority(secrets)) as server, ExitStack() as programs:
        yield Stage(kind, server, secrets, programs)


def closed_url() -> str:
    """An address at which nothing listens any more."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


# --- the occasions ---

Provoke = Callable[[Stage], Call]


@frozen
class Occasion:
    """Something that goes wrong, and how that is told: by the code of an error, or its class."""

    provoke: Provoke
    expected: str | type[BaseException]
    status: int | None = None

    def check(self, failure: BaseException) -> None:
        if isinstance(self.expected, str):
            assert isinstance(failure, RequestError), repr(failure)
            assert (failure.code, failure.status) == (self.expected, self.status)
        else:
            assert type(failure) is self.expected, repr(failure)


OCCASIONS: dict[str, Occasion] = {}


def occasion(
    expected: str | type[BaseException], status: int | None = None
) -> Callable[[Provoke], Provoke]:
    def register(provoke: Provoke) -> Provoke:
        OCCASIONS[provoke.__name__] = Occasion(provoke, expected, status)
        return provoke

    return register


# What comes of a refresh that brings nothing.


@occasion("ERR_BAD_REQUEST", 401)
def refresh_rejected(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer("/items", status=401, body={"bad": stage.secrets.new()})
    stage.server.answer(REFRESH, status=401, body={"bad": stage.secrets.new()})
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_answered_503(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, status=503, body=stage.tokens())
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_answered_with_rubbish(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, body=f"<html>{stage.secrets.new()}".encode())
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_answered_without_an_access_token(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, body={**stage.tokens(), "access_token": [stage.secrets.new()]})
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_answered_with_an_odd_refresh_token(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, body={**stage.tokens(), "refresh_token": 5})
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_redirected_for_ever(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.redirect(REFRESH, REFRESH)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_takes_too_long(stage: Stage) -> Call:
    app = stage.expired(timeout=0.1)
    stage.server.hold(REFRESH)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_refused_a_connection(stage: Stage) -> Call:
    app = stage.expired(url=f"{closed_url()}/auth/refresh", timeout=0.3)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def refresh_not_answered(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.hang_up(REFRESH)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def no_refresh_token(stage: Stage) -> Call:
    app = stage.app(login=False)
    app.store.login(stage.secrets.new(), None)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def own_refresh_raised(stage: Stage) -> Call:
    return stage.expired(refresh=stage.function(mistaken)).get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def own_refresh_gave_no_pair(stage: Stage) -> Call:
    def refresh(_refresh_token: str | None) -> Any:
        return stage.tokens()

    return stage.expired(refresh=stage.function(refresh)).get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def own_refresh_made_a_pair_of_the_wrong_types(stage: Stage) -> Call:
    def refresh(_refresh_token: str | None) -> Any:
        return TokenPair(stage.secrets.new(), 5)  # type: ignore[arg-type]

    return stage.expired(refresh=stage.function(refresh)).get("/items")


def expired_with_oauth(stage: Stage, auth: Any) -> App:
    client_secret = stage.secrets.new()
    stage.secrets.note_basic("my-app", client_secret)
    endpoint = f"{stage.server.url}/oauth/token"
    return stage.expired(refresh=oauth2_refresh(endpoint, "my-app", client_secret, auth=auth))


@occasion("ERR_BAD_REQUEST", 401)
def oauth_grant_rejected(stage: Stage) -> Call:
    body = {"error": "invalid_grant", "error_description": stage.secrets.new()}
    stage.server.answer("/oauth/token", status=400, body=body)
    return expired_with_oauth(stage, "basic").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def oauth_client_refused(stage: Stage) -> Call:
    body = {"error": stage.secrets.new(), "error_uri": stage.secrets.new()}
    stage.server.answer("/oauth/token", status=401, body=body)
    return expired_with_oauth(stage, "post").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def oauth_answered_with_an_odd_token(stage: Stage) -> Call:
    body = {**stage.tokens(), "token_type": stage.secrets.new()}
    stage.server.answer("/oauth/token", body=body)
    return expired_with_oauth(stage, "basic").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def oauth_not_answered(stage: Stage) -> Call:
    stage.server.hang_up("/oauth/token")
    return expired_with_oauth(stage, "post").get("/items")


@occasion("ERR_TOKEN_REFRESH")
def early_refresh_failed(stage: Stage) -> Call:
    clock = stage.clock()
    app = stage.app(login=False, leeway=10.0)
    app.store.login(stage.secrets.new(), stage.secrets.new(), expires_at=clock() + 60.0)
    clock.advance(61.0)
    stage.server.answer(REFRESH, status=503, body=stage.tokens())
    return app.get("/items")


class BrokenStorage(MemoryStorage):
    """A storage of which a part may break."""

    broken = ""

    def get_item(self, name: str) -> str | None:
        self._use("reading")
        return super().get_item(name)

    def set_item(self, name: str, value: str) -> None:
        self._use("writing")
        super().set_item(name, value)

    def lock(self, name: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        self._use("locking")
        return nullcontext()

    def _use(self, part: str) -> None:
        if part == self.broken:
            raise StorageError(f"{part} failed")


def expired_over(storage: BrokenStorage, stage: Stage, broken: str) -> App:
    app = stage.expired(store=UserStore(storage=storage))
    storage.broken = broken
    stage.programs.callback(setattr, storage, "broken", "")  # or its store tries for ever to write
    return app


@occasion("ERR_BAD_REQUEST", 401)
def storage_could_not_be_read(stage: Stage) -> Call:
    return expired_over(BrokenStorage(), stage, "reading").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def storage_could_not_be_locked(stage: Stage) -> Call:
    return expired_over(BrokenStorage(), stage, "locking").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def logout_could_not_be_stored(stage: Stage) -> Call:
    stage.server.answer(REFRESH, status=401)
    return expired_over(BrokenStorage(), stage, "writing").get("/items")


@occasion("ERR_BAD_RESPONSE", 500)
def new_tokens_could_not_be_stored(stage: Stage) -> Call:
    stage.server.answer("/items", status=401, times=1)
    stage.server.answer("/items", status=500, body=stage.tokens())
    return expired_over(BrokenStorage(), stage, "writing").get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def reauthenticate_raised(stage: Stage) -> Call:
    app = stage.expired(reauthenticate=stage.function(mistaken))
    stage.server.answer(REFRESH, status=400)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def reauthenticate_gave_no_pair(stage: Stage) -> Call:
    app = stage.expired(reauthenticate=stage.function(stage.tokens))
    stage.server.answer(REFRESH, status=400)
    return app.get("/items")


@occasion("ERR_TOKEN_REFRESH")
def never_sent(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, status=503)
    gate = stage.server.hold(REFRESH)
    app.get("/items")
    stage.server.wait_for(1, REFRESH)
    call = app.post("/items", stage.credentials())
    app.wait_for_waiting(2)
    gate.open()
    return call


@occasion("ERR_TOKEN_REFRESH")
def session_ended_before_it_was_sent(stage: Stage) -> Call:
    app = stage.expired()
    gate = stage.server.hold(REFRESH)
    app.get("/items")
    stage.server.wait_for(1, REFRESH)
    call = app.get("/items")
    app.wait_for_waiting(2)
    app.logout()
    gate.open()
    return call


@occasion("ERR_BAD_REQUEST", 401)
def still_unauthorized(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer("/items", status=401, body={"bad": stage.secrets.new()})
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def body_could_not_be_sent_again(stage: Stage) -> Call:
    app = stage.expired()
    return app.post("/items", iter([stage.secrets.new().encode()]))


@occasion("ERR_BAD_REQUEST", 401)
def listener_of_the_store_raised(stage: Stage) -> Call:
    app = stage.expired()
    app.store.subscribe(mistaken)
    stage.server.answer("/items", status=401)
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def store_refused_the_new_tokens(stage: Stage) -> Call:
    app = stage.expired()
    stage.server.answer(REFRESH, body={**stage.tokens(), "expires_in": 1e999})
    app.store.set_state = mistaken
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def validator_of_the_store_raised(stage: Stage) -> Call:
    @frozen
    class Valid:
        access_token: str | None = field(default=None, repr=False, validator=lambda *_: validate())
        refresh_token: str | None = field(default=None, repr=False)

    validate: Callable[[], None] = lambda: None  # noqa: E731 - it is exchanged below
    app = stage.app(store=create_store(Valid()), login=False)
    app.store.set_state(stage.tokens())
    stage.server.answer(REFRESH, body=stage.tokens())
    validate = mistaken
    return app.get("/items")


@occasion("ERR_BAD_REQUEST", 401)
def receivers_raised(stage: Stage) -> Call:
    app = stage.expired()
    for signal in (token_refreshed, login_required, refresh_failed):
        signal.connect(mistaken, app.api)
    stage.server.answer("/items", status=401)
    return app.get("/items")


# What goes wrong between two hosts, with a token under way.


@occasion("ERR_NETWORK")
def connection_dropped(stage: Stage) -> Call:
    stage.server.hang_up("/items")
    return stage.app().post("/items", stage.credentials())


@occasion("ERR_NETWORK")
def answer_is_not_http(stage: Stage) -> Call:
    stage.server.answer("/items", cut=12)
    return stage.app().get("/items")


@occasion("ECONNREFUSED")
def connection_refused(stage: Stage) -> Call:
    return stage.app({"base_url": closed_url()}).post("/items", stage.credentials())


@occasion("ERR_NETWORK")
def host_unknown(stage: Stage) -> Call:
    return stage.app({"base_url": "http://nobody.invalid"}).get("/items")


@occasion("ECONNABORTED")
def request_timed_out(stage: Stage) -> Call:
    stage.server.hold("/items")
    return stage.app().post("/items", stage.credentials(), timeout=0.1)


@occasion("ERR_CANCELED")
def request_aborted(stage: Stage) -> Call:
    stage.server.hold("/items")
    controller = AbortController()
    app = stage.app()
    call = app.post("/items", stage.credentials(), signal=controller.signal)
    stage.server.wait_for(1, "/items")
    controller.abort()
    stage.server.open_gates()
    return call


@occasion("ERR_CANCELED")
def waiting_for_a_refresh_aborted(stage: Stage) -> Call:
    controller = AbortController()
    app = stage.expired()
    stage.server.hold(REFRESH)
    call = app.get("/items", signal=controller.signal)
    app.wait_for_waiting(1)
    controller.abort()
    return call


@occasion("ERR_FR_TOO_MANY_REDIRECTS")
def redirected_for_ever(stage: Stage) -> Call:
    stage.server.redirect("/items", f"/items?code={stage.secrets.new()}")
    return stage.app().post("/items", stage.credentials(), max_redirects=2)


@occasion("ERR_BAD_REQUEST")
def redirected_to_another_protocol(stage: Stage) -> Call:
    stage.server.redirect("/items", f"ftp://user:{stage.secrets.new()}@host/")
    return stage.app().get("/items")


@occasion("ERR_BAD_RESPONSE")
def answer_too_large(stage: Stage) -> Call:
    stage.server.answer("/items", body=stage.tokens())
    return stage.app().get("/items", max_content_length=5)


@occasion("ERR_BAD_REQUEST")
def body_too_large(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(), max_body_length=5)


@occasion("ERR_BAD_RESPONSE")
def answer_cannot_be_decoded(stage: Stage) -> Call:
    stage.server.answer("/items", body=stage.tokens(), headers={"Content-Encoding": "gzip"})
    return stage.app().get("/items")


# What a URL says that should not have.


@occasion("ERR_INVALID_URL")
def url_without_slashes(stage: Stage) -> Call:
    return stage.app().get(f"http:user:{stage.secrets.new()}@host/?token={stage.secrets.new()}")


@occasion("ERR_INVALID_URL")
def url_without_base_url(stage: Stage) -> Call:
    app = stage.app({"base_url": None}, origins=["http://host"])
    return app.get(f"/items?access_token={stage.secrets.new()}")


@occasion("ERR_BAD_REQUEST")
def url_of_another_protocol(stage: Stage) -> Call:
    return stage.app().get(f"ftp://user:{stage.secrets.new()}@host/")


@occasion("ECONNREFUSED")
def url_with_a_token(stage: Stage) -> Call:
    app = stage.app({"base_url": closed_url()})
    return app.get(f"/items?access_token={stage.secrets.new()}#token={stage.secrets.new()}")


@occasion("ECONNREFUSED")
def params_with_a_token(stage: Stage) -> Call:
    app = stage.app({"base_url": closed_url()})
    return app.get("/items", params={"access_token": stage.secrets.new()})


@occasion("ERR_INVALID_URL")
def url_that_the_client_refuses(stage: Stage) -> Call:
    return stage.app().get(f"http://user:{stage.secrets.new()}@host:port/")


# A login that the server refuses, in every form in which credentials are sent.


@occasion("ERR_BAD_REQUEST", 400)
def login_refused(stage: Stage) -> Call:
    stage.server.answer(
        LOGIN,
        status=400,
        body=stage.tokens(),
        headers={"Set-Cookie": f"session={stage.secrets.new()}"},
    )
    return stage.app().post(LOGIN, stage.credentials(), extra={"silent_refresh": False})


@occasion("ERR_BAD_RESPONSE", 500)
def login_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500, body=stage.tokens())
    return stage.app().post(LOGIN, stage.credentials())


@occasion("ERR_BAD_RESPONSE", 500)
def login_as_json_text_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500)
    text = f'{{"username": "ada", "password": "{stage.secrets.new()}"}}'
    return stage.app().post(LOGIN, text, headers={"Content-Type": "application/json"})


@occasion("ERR_BAD_RESPONSE", 500)
def login_as_form_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return stage.app().post(LOGIN, stage.credentials(), headers=form)


@occasion("ERR_BAD_RESPONSE", 500)
def login_as_form_text_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500)
    return stage.app().post(LOGIN, f"username=ada&password={stage.secrets.new()}")


@occasion("ERR_BAD_RESPONSE", 500)
def login_as_multipart_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500)
    app = stage.app()
    return app.client.start(lambda api: api.post_form(LOGIN, stage.credentials()))


@occasion("ERR_BAD_RESPONSE", 500)
def login_as_bytes_failed(stage: Stage) -> Call:
    stage.server.answer(LOGIN, status=500)
    return stage.app().post(LOGIN, stage.secrets.new().encode())


@occasion("ERR_BAD_RESPONSE", 500)
def basic_authentication_failed(stage: Stage) -> Call:
    stage.server.answer("/items", status=500)
    password = stage.secrets.new()
    stage.secrets.note_basic("ada", password)
    return stage.app().get("/items", auth=("ada", password))


@occasion("ERR_BAD_RESPONSE", 500)
def own_header_failed(stage: Stage) -> Call:
    stage.server.answer("/items", status=500)
    headers = {
        "Authorization": stage.bearer(),
        "Proxy-Authorization": stage.bearer(),
        "Cookie": f"session={stage.secrets.new()}",
        "X-Api-Key": stage.secrets.new(),
    }
    return stage.app().get("/items", headers=headers, redact=["x-api-key"])


@occasion("ERR_BAD_RESPONSE", 500)
def redacted_option_failed(stage: Stage) -> Call:
    stage.server.answer("/items", status=500)
    return stage.app().post("/items", {"pin": [stage.secrets.new()]}, redact=["pin"])


# Functions of the caller that raise while a token is near.


@occasion(MistakeError)
def request_interceptor_raised(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.request.use(mistaken)
    return app.post("/items", stage.credentials(), headers={"Authorization": stage.bearer()})


@occasion(MistakeError)
def run_when_raised(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.request.use(lambda config: config, run_when=mistaken)
    return app.post("/items", stage.credentials(), headers={"Authorization": stage.bearer()})


@occasion(TypeError)
def request_interceptor_gave_nothing(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.request.use(lambda config: config.data)
    return app.post("/items", [stage.credentials()])


@occasion(MistakeError)
def response_interceptor_raised(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.response.use(mistaken)
    stage.server.answer(LOGIN, body=stage.tokens())
    return app.post(LOGIN, stage.credentials())


@occasion(MistakeError)
def response_interceptor_raised_after_unwrapping(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.response.use(lambda response: response.data)
    app.api.interceptors.response.use(mistaken)
    stage.server.answer(LOGIN, body=stage.tokens())
    return app.post(LOGIN, stage.credentials())


@occasion(MistakeError)
def outer_network_interceptor_raised_after_the_answer(stage: Stage) -> Call:
    app = stage.app(login=False)
    add_around_that_raises_after_the_answer(app)
    silent_refresh(app.api, app.store)
    app.login()
    return app.post("/items", stage.credentials())


@occasion(MistakeError)
def inner_network_interceptor_raised_after_the_answer(stage: Stage) -> Call:
    app = stage.app()
    add_around_that_raises_after_the_answer(app)
    return app.post("/items", stage.credentials())


def add_around_that_raises_after_the_answer(app: App) -> None:
    async def async_around(config: Any, proceed: Any) -> Any:
        await proceed(config)
        raise MistakeError

    def plain_around(config: Any, proceed: Any) -> Any:
        proceed(config)
        raise MistakeError

    app.api.interceptors.network.use(async_around if app.client.is_async else plain_around)


@occasion(MistakeError)
def inner_network_interceptor_raised_before_sending(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.network.use(mistaken)
    return app.post("/items", stage.credentials())


@occasion(TypeError)
def network_interceptor_gave_no_response(stage: Stage) -> Call:
    app = stage.app()
    app.api.interceptors.network.use(lambda config, _proceed: config)
    return app.post("/items", stage.credentials(), extra={"silent_refresh": False})


@occasion(MistakeError)
def adapter_raised(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(), adapter=mistaken)


@occasion(MistakeError)
def should_refresh_raised(stage: Stage) -> Call:
    return stage.app(should_refresh=mistaken).post("/items", stage.credentials())


@occasion(MistakeError)
def transform_request_raised(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(), transform_request=mistaken)


@occasion(MistakeError)
def transform_response_raised(stage: Stage) -> Call:
    stage.server.answer(LOGIN, body=stage.tokens())
    return stage.app().post(LOGIN, stage.credentials(), transform_response=mistaken)


@occasion(MistakeError)
def validate_status_raised(stage: Stage) -> Call:
    stage.server.answer(LOGIN, body=stage.tokens())
    return stage.app().post(LOGIN, stage.credentials(), validate_status=mistaken)


@occasion(MistakeError)
def params_serializer_raised(stage: Stage) -> Call:
    params = {"access_token": stage.secrets.new()}
    return stage.app().get("/items", params=params, params_serializer=mistaken)


@occasion(MistakeError)
def before_redirect_raised(stage: Stage) -> Call:
    stage.server.redirect("/items", f"/items?code={stage.secrets.new()}")
    return stage.app().post("/items", stage.credentials(), before_redirect=mistaken)


@occasion(MistakeError)
def body_raised_on_the_way(stage: Stage) -> Call:
    def pieces() -> Iterator[bytes]:
        yield stage.secrets.new().encode()
        raise MistakeError

    return stage.app().post("/items", pieces())


@occasion(MistakeError)
def file_raised_on_the_way(stage: Stage) -> Call:
    class File(io.BytesIO):
        read = mistaken

    return stage.app().post("/items", File(stage.secrets.new().encode()))


# Arguments that cannot be used, beside others that are secret.


@occasion(TypeError)
def option_unknown(stage: Stage) -> Call:
    return stage.app().post(
        LOGIN, stage.credentials(), baseURL="/", headers={"Authorization": stage.bearer()}
    )


@occasion(TypeError)
def option_unknown_in_a_mapping(stage: Stage) -> Call:
    app = stage.app()
    return app.client.start(lambda api: api({"data": stage.credentials(), "baseURL": "/"}))


@occasion(TypeError)
def option_of_the_wrong_type(stage: Stage) -> Call:
    return stage.app().post(
        LOGIN, stage.credentials(), timeout="1", headers={"Authorization": stage.bearer()}
    )


@occasion(TypeError)
def header_without_a_name(stage: Stage) -> Call:
    return stage.app().get("/items", headers={"Authorization": stage.bearer(), 5: stage.bearer()})


@occasion("ERR_BAD_OPTION_VALUE")
def header_with_a_bad_name(stage: Stage) -> Call:
    headers = {"Authorization": stage.bearer(), "X Token": stage.bearer()}
    return stage.app().get("/items", headers=headers, redact=["x token"])


@occasion(TypeError)
def auth_is_text(stage: Stage) -> Call:
    return stage.app().get("/items", auth=f"ada:{stage.secrets.new()}")


@occasion(TypeError)
def auth_has_three_parts(stage: Stage) -> Call:
    return stage.app().get("/items", auth=("ada", stage.secrets.new(), stage.secrets.new()))


@occasion(TypeError)
def data_is_no_json(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(odd=object()))


@occasion(ValueError)
def data_has_a_number_that_is_no_json(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(odd=float("nan")))


@occasion(ValueError)
def data_contains_itself(stage: Stage) -> Call:
    data = stage.credentials()
    data["self"] = data
    return stage.app().post("/items", data)


@occasion(ValueError)
def params_contain_themselves(stage: Stage) -> Call:
    params: dict[str, Any] = {"access_token": stage.secrets.new()}
    params["self"] = params
    return stage.app().post("/items", stage.credentials(), params=params)


@occasion(TypeError)
def params_are_no_mapping(stage: Stage) -> Call:
    return stage.app().get("/items", params=f"access_token={stage.secrets.new()}")


@occasion("ERR_BAD_REQUEST")
def data_cannot_be_sent(stage: Stage) -> Call:
    return stage.app().post("/items", stage.credentials(), transform_request=None)


@pytest.mark.parametrize("name", OCCASIONS)
def test_what_is_raised_shows_no_secret(stage: Stage, secrets: Secrets, name: str) -> None:
    happening = OCCASIONS[name]
    with LogRecorder() as records:
        failure = happening.provoke(stage).failure()
        stage.end()
    happening.check(failure)
    signals = [sent.details for app in stage.apps for sent in app.signals.sent()]
    assert_no_leaks(secrets, error=failure, log=records, signals=signals)


def assert_no_leaks(secrets: Secrets, **things: Any) -> None:
    found = leaks(secrets, **things)
    assert not found, "\n".join(["a secret shows here:", *found])


# --- a task that is cancelled ---


@only_async
@pytest.mark.parametrize("path", ["/items", REFRESH])
def test_a_cancelled_task_shows_no_secret(stage: Stage, secrets: Secrets, path: str) -> None:
    app = stage.expired()
    stage.server.hold(path)
    call = app.post("/items", stage.credentials())
    assert isinstance(call, TaskCall)
    stage.server.wait_for(1, path)
    call.cancel()
    failure = call.failure()
    stage.end()
    assert isinstance(failure, asyncio.CancelledError)
    assert_no_leaks(secrets, error=failure)


@only_async
@pytest.mark.parametrize("path", ["/items", REFRESH])
def test_a_timeout_around_a_request_shows_no_secret(
    stage: Stage, secrets: Secrets, path: str
) -> None:
    async def post_within(api: Any, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await api.post("/items", stage.credentials())

    app = stage.expired()
    stage.server.hold(path)
    failure = app.client.start(lambda api: post_within(api, 0.2)).failure()
    stage.end()
    assert isinstance(failure, TimeoutError)
    assert_no_leaks(secrets, error=failure)


# --- values of the wrong type ---

#: What is refused although, or because, a secret is given.
WRONG_VALUES: dict[str, Callable[[Callable[[], Any]], object]] = {
    "a pair without an access token": lambda new: TokenPair("", new()),
    "a pair with an odd access token": lambda new: TokenPair([new()], new()),  # type: ignore[arg-type]
    "a pair with an odd refresh token": lambda new: TokenPair(new(), [new()]),  # type: ignore[arg-type]
    "a pair with an odd time": lambda new: TokenPair(new(), new(), new()),
    "an unknown option": lambda new: RequestConfig(data={"password": new()}, auht=("ada", new())),  # type: ignore[call-arg]
    "a header without a name": lambda new: RequestConfig(headers={"Cookie": new(), 5: new()}),  # type: ignore[dict-item]
    "headers without names": lambda new: Headers([("Authorization", new()), (5, new())]),  # type: ignore[list-item]
    "params that contain themselves": lambda new: merge_config(
        RequestConfig(params={"token": new(), "endless": endless()}),
        RequestConfig(data={"password": new()}, params={"token": new(), "endless": endless()}),
    ),
    "a base URL without a scheme": lambda new: create_sync(
        base_url="host", headers={"Authorization": new()}
    ),
    "no default that exists": lambda new: create_sync(
        baseURL="http://host",  # type: ignore[call-arg]
        headers={"Authorization": new()},
    ),
}


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize("refused", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_wrong_value_is_refused_without_showing_a_secret(
    secrets: Secrets, refused: Callable[[Callable[[], str]], object]
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        refused(secrets.new)
    assert_no_leaks(secrets, error=caught.value)


# --- what is printed without an error ---


def test_nothing_that_a_program_holds_shows_a_secret(stage: Stage, secrets: Secrets) -> None:
    app = stage.app(
        {"headers": {"common": {"Authorization": stage.bearer()}}, "auth": ("ada", secrets.new())}
    )
    session = session_of(app.store)
    things = {
        "instance": app.api,
        "defaults": app.api.defaults,
        "handle": app.handle,
        "stats": app.stats,
        "store": app.store,
        "state": app.store.get_state(),
        "session": session,
        "credentials": session.credentials(),
        "pending refresh": session.join_or_start(
            session.credentials(), 1.0, logins_required=session.logins_required
        ),
        "chains": app.api.interceptors,
        "interceptors": list(app.api.interceptors.network.snapshot()),
    }
    assert_no_leaks(secrets, **things)


def test_no_value_on_the_way_shows_a_secret(secrets: Secrets) -> None:
    new = secrets.new
    body = new().encode()
    pair = TokenPair(new(), new(), 5.0)
    config = RequestConfig(
        url=f"http://ada:{new()}@host/?access_token={new()}",
        base_url=f"http://ada:{new()}@host",
        auth={"username": "ada", "password": new()},
        headers={"Authorization": new(), "cookie": new(), "X-Pin": new()},
        params={"nested": [{"refresh_token": new()}]},
        data={"nested": [{"clientSecret": new()}], "pin": new()},
        redact=["x-pin", "pin"],
        extra={"token": new()},
    )
    things = {
        "pair": pair,
        "pairs": [{"pair": (pair,)}],
        "credentials": Credentials(new(), new(), object()),
        "config": config,
        "merged config": merge_config(config, config),
        "config as JSON": config.to_json(),
        "headers": Headers({"authorization": new(), "common": {"Set-Cookie": [new()]}}),
        "multipart body": transform_request(
            {"password": new()}, Headers({"Content-Type": "multipart/form-data"})
        ),
        "wire request": first_request(RequestConfig(url="http://host", method="post", data=body)),
        "issued": IssuedTokens(new(), new(), 1.0),
    }
    assert_no_leaks(secrets, **things)


def test_the_answer_to_a_login_shows_no_secret(stage: Stage, secrets: Secrets) -> None:
    app = stage.app(login=False)
    stage.server.answer(
        LOGIN, body=stage.tokens(), headers={"Set-Cookie": f"session={secrets.new()}"}
    )
    with LogRecorder() as records:
        response = app.post(LOGIN, stage.credentials()).response()
        stage.end()
    assert secrets.are_in(str(response.data))
    assert_no_leaks(secrets, response=response, config=response.config, log=records)


def test_a_refresh_shows_no_secret(stage: Stage, secrets: Secrets) -> None:
    app = stage.expired()
    with LogRecorder() as records:
        response = app.get("/items").response()
        stage.end()
    assert app.signals.names == ["token_refreshed"]
    assert [record.getMessage() for record in records if record.name == "zustax"]
    signals = [sent.details for sent in app.signals.sent()]
    assert_no_leaks(secrets, response=response, log=records, signals=signals)


# --- the search itself ---


@frozen
class Holder:
    text: str


@frozen(repr=False)
class HolderWithoutRepr:
    text: str

    def __repr__(self) -> str:
        return "<HolderWithoutRepr>"


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def noted(error: BaseException, note: str) -> BaseException:
    error.add_note(note)
    return error


def after(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    return error


def raised_in_a_library(local: object) -> BaseException:
    """An error that has passed a frame with ``local`` in it, which is none of a test."""
    with pytest.raises(TypeError) as caught:
        json.dumps([local, object()])
    return caught.value


def logged(level: int, *arguments: Any, **options: Any) -> list[logging.LogRecord]:
    with LogRecorder() as records:
        logging.getLogger("zustax").log(level, *arguments, **options)
    return records


PLANTED: dict[str, Callable[[str], Any]] = {
    "text": lambda secret: raised(ValueError(f"bad {secret}")),
    "argument": lambda secret: raised(KeyError(1, [secret])),
    "note": lambda secret: noted(ValueError(), secret),
    "cause": lambda secret: raised(ValueError(), ValueError(secret)),
    "hidden context": lambda secret: raised(after(ValueError(), ValueError(secret))),
    "group": lambda secret: ExceptionGroup("several", [ValueError(1), ValueError(secret)]),
    "local": raised_in_a_library,
    "local of a cause": lambda secret: raised(ValueError(), raised_in_a_library(secret)),
    "local in a container": lambda secret: raised_in_a_library(({"a": [secret]},)),
    "local in an attrs instance": lambda secret: raised_in_a_library(Holder(secret)),
    "local that only rich opens": lambda secret: raised_in_a_library(HolderWithoutRepr(secret)),
    "config": lambda secret: RequestError("", config=RequestConfig(url=secret)),
    "pickle": lambda secret: RequestError("", code=secret),
    "message of a log record": lambda secret: logged(logging.DEBUG, f"got {secret}"),
    "argument of a log record": lambda secret: logged(logging.INFO, "got %.1s", secret),
    "error of a log record": lambda secret: logged(
        logging.INFO, "", exc_info=raised_in_a_library(secret)
    ),
    "detail": lambda secret: {"tokens": secret},
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_the_search_finds_what_is_planted(secrets: Secrets, plant: Callable[[str], Any]) -> None:
    assert leaks(secrets, thing=plant(secrets.new())) != []
    assert leaks(secrets, thing=plant("harmless")) == []
