"""A response that is read while it arrives, and how far a transfer has come."""

from __future__ import annotations

import gc
import io
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import (
    AbortController,
    AbortSignal,
    CanceledError,
    ProgressEvent,
    RequestError,
    Response,
    ResponseStream,
    SyncResponseStream,
    silent_refresh,
)
from zustax.transport.testing import Fault, Wire, faults
from zustax.transport.testing.faults import BODY

from ..support.clients import Client
from ..support.server import AuthServer
from ..support.waiting import wait_until
from .conftest import only_async


class Stream:
    """The stream of a response, read in the way of its client."""

    def __init__(self, client: Client, response: Response) -> None:
        self._client = client
        self.data: Any = response.data

    @classmethod
    def of(cls, client: Client, path: str, **options: Any) -> Stream:
        return cls(
            client, client.call(lambda api: api.get(path, response_type="stream", **options))
        )

    def next(self) -> Any:
        if self._client.is_async:
            return self._client.call(lambda _api: anext(self.data))
        return next(self.data)

    def read(self) -> Any:
        return self._client.call(lambda _api: self.data.read())

    def all(self, pieces: Callable[[Any], Any]) -> list[Any]:
        """What ``pieces(data)`` iterates over."""
        if self._client.is_async:
            return self._client.call(lambda _api: _listed(pieces(self.data)))  # type: ignore[no-any-return]
        return list(pieces(self.data))

    def close(self) -> None:
        is_async = self._client.is_async
        self._client.call(lambda _api: self.data.aclose() if is_async else self.data.close())


async def _listed(pieces: AsyncIterator[Any]) -> list[Any]:
    return [piece async for piece in pieces]


def pieces(
    *parts: bytes, ends: bool = True, content_type: str = "text/plain", pause: float = 0.002
) -> Fault:
    """An answer in chunks, which mostly are read one by one."""

    async def fault(wire: Wire) -> None:
        headers = (
            "Transfer-Encoding: chunked",
            "Connection: close",
            f"Content-Type: {content_type}",
        )
        await wire.send("\r\n".join(("HTTP/1.1 200 OK", *headers, "", "")).encode())
        for part in parts:
            await wire.send(b"%x\r\n%b\r\n" % (len(part), part))
            await wire.pause(pause)
        await (wire.send(b"0\r\n\r\n") if ends else wire.stall())

    return fault


# --- reading ---


def test_the_body_is_an_iterator_of_its_kind(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"a"))
    stream = Stream.of(client, "/body")
    assert isinstance(stream.data, ResponseStream if client.is_async else SyncResponseStream)
    assert repr(stream.data).endswith("open>")
    stream.close()
    assert repr(stream.data).endswith("closed>")


def test_what_has_arrived_can_be_read_before_the_rest_is_there(
    client: Client, server: AuthServer
) -> None:
    server.fail("/body", faults.stall_in_the_body())
    stream = Stream.of(client, "/body")
    assert BODY.startswith(stream.next())
    stream.close()


def test_the_whole_body_can_be_read_at_once(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"some", b"thing", b"\x00\xff"))
    stream = Stream.of(client, "/body")
    assert stream.read() == b"something\x00\xff"
    assert stream.data.closed


def test_it_closes_itself_at_the_end(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"a", b"b"))
    stream = Stream.of(client, "/body")
    assert b"".join(stream.all(lambda data: data)) == b"ab"
    assert stream.data.closed
    assert stream.all(lambda data: data) == []


def test_text_is_decoded_across_pieces(client: Client, server: AuthServer) -> None:
    server.fail("/utf-8", pieces(b"caf\xc3", b"\xa9 \xff", b"\xe2\x82"))
    assert "".join(Stream.of(client, "/utf-8").all(lambda data: data.text())) == "café ��"
    server.fail("/latin-1", pieces(b"caf\xe9", content_type="text/plain; charset=ISO-8859-1"))
    assert Stream.of(client, "/latin-1").all(lambda data: data.text()) == ["café"]
    server.fail("/unknown", pieces(b"caf\xc3\xa9", content_type='text/plain; charset="x-none"'))
    assert Stream.of(client, "/unknown").all(lambda data: data.text()) == ["café"]


@pytest.mark.parametrize("charset", ["base64", "hex", "rot13", "zlib", "idna", "undefined"])
def test_text_is_utf_8_where_the_charset_is_no_encoding_of_text(
    client: Client, server: AuthServer, charset: str
) -> None:
    server.fail("/text", pieces(b"caf\xc3\xa9", content_type=f"text/plain; charset={charset}"))
    assert Stream.of(client, "/text").all(lambda data: data.text()) == ["café"]


class BrokenSignal(AbortSignal):
    """A signal that takes one listener, that of the call, and not the one of its stream."""

    def add_listener(self, listener: Callable[[], Any]) -> Callable[[], None]:
        if self._listeners:
            raise LookupError("no second listener")
        return super().add_listener(listener)


@only_async
def test_a_stream_that_cannot_be_made_costs_no_connection(
    client: Client, server: AuthServer
) -> None:
    server.fail("/body", pieces(b"a", ends=False))
    signal = BrokenSignal()
    call = client.start(lambda api: api.get("/body", response_type="stream", signal=signal))
    assert isinstance(call.failure(), LookupError)
    wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ((b"a\nb\n",), ["a", "b"]),
        ((b"a\r", b"\nb"), ["a", "b"]),
        ((b"a\r", b"b\r"), ["a", "b"]),
        ((b"\n\n", b"x"), ["", "", "x"]),
        ((b"a\r\n\r", b"\n\rb"), ["a", "", "", "b"]),
        ((b"one ", b"long ", b"line"), ["one long line"]),
        (("a\u2028b\x0bc\x85d\n".encode(),), ["a\u2028b\x0bc\x85d"]),
        ((), []),
    ],
)
def test_lines_end_at_lf_cr_or_both_and_nowhere_else(
    client: Client, server: AuthServer, parts: tuple[bytes, ...], lines: list[str]
) -> None:
    server.fail("/lines", pieces(*parts))
    assert Stream.of(client, "/lines").all(lambda data: data.lines()) == lines


def test_interceptors_and_transforms_are_given_the_stream(
    client: Client, server: AuthServer
) -> None:
    server.fail("/body", pieces(b'{"a": 1}'))
    seen: list[Any] = []

    def look(data: Any, _headers: Any, _status: int) -> Any:
        seen.append(data)
        return data

    def watch(response: Response) -> Response:
        seen.append(response.data)
        return response

    client.api.interceptors.response.use(watch)
    transforms = [*client.api.defaults.transform_response, look]
    stream = Stream.of(client, "/body", transform_response=transforms)
    assert seen == [stream.data, stream.data]
    assert stream.read() == b'{"a": 1}'


def test_a_refused_status_leaves_the_stream_to_the_caller(
    client: Client, server: AuthServer
) -> None:
    server.answer("/missing", status=404, body=b"nothing here")
    error = client.start(lambda api: api.get("/missing", response_type="stream")).error()
    assert error.response is not None
    assert Stream(client, error.response).read() == b"nothing here"


# --- its end ---


def open_connections(server: AuthServer) -> Callable[[int], None]:
    return lambda count: wait_until(lambda: server.open_connections == count)


def test_closing_early_releases_the_connection(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"a", ends=False))
    stream = Stream.of(client, "/body")
    stream.close()
    stream.close()
    open_connections(server)(0)


def test_a_stream_of_which_all_was_read_gives_its_connection_to_the_next(
    client: Client, server: AuthServer
) -> None:
    server.answer("/body", body=b"all of it")
    for _ in range(3):
        assert Stream.of(client, "/body").read() == b"all of it"
    assert server.connections == 1


def test_a_stream_that_nobody_closed_is_told_and_releases_its_connection(
    client: Client, server: AuthServer
) -> None:
    server.fail("/body", pieces(b"a", ends=False))
    stream = Stream.of(client, "/body")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del stream
        gc.collect()
        open_connections(server)(0)
    assert [str(one.message) for one in told if "was not closed" in str(one.message)]
    assert {one.category for one in told} == {ResourceWarning}


def test_a_body_that_breaks_off_is_a_network_error(client: Client, server: AuthServer) -> None:
    server.fail("/half", faults.reset_in_the_body())
    stream = Stream.of(client, "/half")
    with pytest.raises(RequestError) as raised:
        stream.read()
    assert raised.value.code == RequestError.ERR_NETWORK
    assert raised.value.config is not None
    assert raised.value.config.url == "/half"
    assert raised.value.__cause__ is not None
    assert stream.data.closed


def test_the_limit_of_a_body_holds_for_a_stream(client: Client, server: AuthServer) -> None:
    server.fail("/endless", faults.endless_body())
    stream = Stream.of(client, "/endless", max_content_length=100_000)
    with pytest.raises(RequestError, match="maxContentLength size of 100000 exceeded") as raised:
        stream.read()
    assert raised.value.code == RequestError.ERR_BAD_RESPONSE
    open_connections(server)(0)


def test_a_time_out_counts_until_the_stream_is_there(client: Client, server: AuthServer) -> None:
    timeout = 1.0
    server.fail("/body", pieces(*[b"a"] * 5, ends=True, pause=timeout / 4))
    assert Stream.of(client, "/body", timeout=timeout).read() == b"aaaaa"
    gate = server.hold("/late")
    late = client.start(lambda api: api.get("/late", response_type="stream", timeout=timeout))
    assert late.error().code == RequestError.ECONNABORTED
    gate.open()


def test_aborting_ends_a_read_that_waits(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"a", ends=False))
    controller = AbortController()
    stream = Stream.of(client, "/body", signal=controller.signal)
    assert stream.next() == b"a"
    reading = client.start(lambda _api: stream.data.read())
    controller.abort()
    assert isinstance(reading.error(), CanceledError)
    open_connections(server)(0)


def test_aborting_a_stream_that_nobody_reads_ends_it(client: Client, server: AuthServer) -> None:
    server.fail("/body", pieces(b"a", b"b", ends=False))
    controller = AbortController()
    stream = Stream.of(client, "/body", signal=controller.signal)
    assert stream.next()
    controller.abort()
    open_connections(server)(0)
    with pytest.raises(CanceledError):
        stream.read()


def test_a_stream_that_is_closed_forgets_its_signal(client: Client, server: AuthServer) -> None:
    server.answer("/body", body=b"all of it")
    controller = AbortController()
    stream = Stream.of(client, "/body", signal=controller.signal)
    assert stream.read() == b"all of it"
    controller.abort()
    assert client.call(lambda api: api.get("/body")).data == "all of it"
    assert server.connections == 1


def test_a_refreshed_request_streams_its_replay(client: Client, server: AuthServer) -> None:
    store = UserStore()
    tokens = server.login()
    store.login(tokens.access_token, tokens.refresh_token)
    silent_refresh(client.api, store)
    server.expire()
    assert b"ada" in Stream.of(client, "/me").read()
    assert server.count("/me") == 2
    wait_until(lambda: server.open_connections <= 2)


# --- progress ---


class Progress:
    """Listens to the progress of a transfer."""

    def __init__(self) -> None:
        self.events: list[ProgressEvent] = []

    def __call__(self, event: ProgressEvent) -> None:
        self.events.append(event)

    @property
    def last(self) -> ProgressEvent:
        return self.events[-1]


SIZE = 300_000

BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"x" * SIZE,
    "text": lambda: "x" * SIZE,
    "file": lambda: io.BytesIO(b"x" * SIZE),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_sending_tells_how_much_of_how_much(
    client: Client, server: AuthServer, body: Callable[[], Any]
) -> None:
    server.answer("/upload")
    progress = Progress()
    client.call(lambda api: api.post("/upload", body(), on_upload_progress=progress))
    assert progress.last.loaded == progress.last.total == SIZE
    assert progress.last.progress == 1
    assert progress.last.is_upload
    assert progress.last.estimated in (0, None)
    assert sum(event.bytes for event in progress.events) == SIZE
    assert [event.loaded for event in progress.events] == sorted(e.loaded for e in progress.events)
    assert server.seen("/upload")[0].body == b"x" * SIZE
    assert server.seen("/upload")[0].headers["content-length"] == str(SIZE)


def test_an_iterator_has_no_total(client: Client, server: AuthServer) -> None:
    server.answer("/upload")
    progress = Progress()

    def chunks() -> Iterator[bytes]:
        yield b"a" * 10
        yield b"b" * 20

    client.call(lambda api: api.post("/upload", chunks(), on_upload_progress=progress))
    assert progress.last.loaded == 30
    assert progress.last.total is progress.last.progress is progress.last.estimated is None


def test_a_form_with_a_file_is_counted_with_its_frame(client: Client, server: AuthServer) -> None:
    server.answer("/upload")
    progress = Progress()
    form = {"name": "report", "file": io.BytesIO(b"x" * SIZE)}
    client.call(lambda api: api.post_form("/upload", form, on_upload_progress=progress))
    sent = server.seen("/upload")[0]
    assert progress.last.loaded == progress.last.total == len(sent.body)
    assert sent.headers["content-length"] == str(len(sent.body))
    assert len(sent.body) > SIZE


def test_receiving_tells_how_much_of_how_much(client: Client, server: AuthServer) -> None:
    server.answer("/download", body=b"x" * SIZE)
    progress = Progress()
    client.call(lambda api: api.get("/download", on_download_progress=progress))
    assert progress.last.loaded == progress.last.total == SIZE
    assert not progress.last.is_upload
    assert sum(event.bytes for event in progress.events) == SIZE


def test_a_body_of_unknown_length_is_counted_to_its_end(client: Client, server: AuthServer) -> None:
    server.fail("/download", pieces(b"abc", b"de", b"f"))
    progress = Progress()
    client.call(lambda api: api.get("/download", on_download_progress=progress))
    assert progress.last.loaded == 6
    assert progress.last.total is None


def test_a_stream_tells_its_progress_as_it_is_read(client: Client, server: AuthServer) -> None:
    server.answer("/download", body=b"x" * SIZE)
    progress = Progress()
    stream = Stream.of(client, "/download", on_download_progress=progress)
    assert progress.events == []
    stream.read()
    assert progress.last.loaded == SIZE


def test_what_a_listener_raises_ends_the_request_and_comes_out_as_it_is(
    client: Client, server: AuthServer
) -> None:
    server.answer("/download", body="x")

    def fail(_event: ProgressEvent) -> None:
        raise LookupError("not here")

    call = client.start(lambda api: api.get("/download", on_download_progress=fail))
    assert str(call.failure()) == "not here"


def test_rates_and_estimates_follow_from_what_was_counted() -> None:
    half = ProgressEvent(loaded=500, total=1000, bytes=100, is_upload=False, seconds=2)
    assert (half.progress, half.rate, half.estimated) == (0.5, 250, 2)
    at_once = ProgressEvent(loaded=500, total=1000, bytes=100, is_upload=False, seconds=0)
    assert (at_once.rate, at_once.estimated) == (None, None)
    longer = ProgressEvent(loaded=1500, total=1000, bytes=100, is_upload=False, seconds=1)
    assert longer.estimated is None
