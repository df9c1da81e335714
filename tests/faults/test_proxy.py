"""The proxy itself against a tiny server: each fault is what a client sees, and what the server got is counted."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.faults.proxy import Fault, FaultProxy, Request, Way, fault_proxy

BODY = b"0123456789"


class _Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_PUT = do_POST  # noqa: N815 - the server calls it so

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def proxy(server: str) -> Iterator[FaultProxy]:
    with fault_proxy(server, lambda request: request.target.strip("/")) as made:
        yield made


def ask(proxy: FaultProxy, path: str = "a", timeout: float = 5.0, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=timeout)
    try:
        connection.request("POST", f"/{path}", b"hello", headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_everything_goes_through_until_a_fault_is_armed(proxy: FaultProxy) -> None:
    assert ask(proxy) == ask(proxy, "b", Expect="100-continue") == (200, BODY)
    assert proxy.arrived == proxy.forwarded == {"a": 1, "b": 1}
    assert proxy.met == 0


@pytest.mark.parametrize("forwarded", [False, True])
@pytest.mark.parametrize(
    ("way", "error"),
    [
        (Way.RESET, ConnectionResetError),
        (Way.CLOSE, http.client.RemoteDisconnected),
        (Way.HANG, TimeoutError),
    ],
)
def test_an_answer_that_does_not_come(proxy: FaultProxy, way: Way, error: type[Exception], forwarded: bool) -> None:
    proxy.arm(Fault("f", way, forwarded, seconds=5))
    with pytest.raises(error):
        ask(proxy, timeout=0.1)
    assert proxy.arrived["a"] == proxy.met == 1
    assert proxy.forwarded["a"] == int(forwarded)


@pytest.mark.parametrize("at", [0, 1, 9, 99])
def test_an_answer_that_is_cut_promises_more_than_comes(proxy: FaultProxy, at: int) -> None:
    proxy.arm(Fault("f", Way.CUT, at=at))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)
    assert caught.value.partial == BODY[: min(at, 9)]


@pytest.mark.parametrize("at", [0, 4])
def test_an_answer_that_is_truncated_looks_whole(proxy: FaultProxy, at: int) -> None:
    proxy.arm(Fault("f", Way.TRUNCATE, at=at))
    assert ask(proxy) == (200, BODY[:at])


def test_another_answer_comes_and_a_burst_ends(proxy: FaultProxy) -> None:
    proxy.arm(Fault("f", Way.ANSWER, times=2, status=503, body=b"<html>"))
    assert [ask(proxy) for _ in range(3)] == [(503, b"<html>"), (503, b"<html>"), (200, BODY)]
    assert (proxy.met, proxy.forwarded["a"]) == (2, 1)


def test_only_the_operation_and_the_request_that_were_named_meet_it(proxy: FaultProxy) -> None:
    proxy.arm(Fault("f", Way.ANSWER, status=500), "b", nth=2)
    assert [ask(proxy, path)[0] for path in "abab"] == [200, 200, 200, 500]


def test_a_delay_is_waited_for(proxy: FaultProxy) -> None:
    proxy.arm(Fault("f", Way.DELAY, seconds=0.2))
    with pytest.raises(TimeoutError):
        ask(proxy, timeout=0.05)
    assert ask(proxy) == (200, BODY)


def test_chunked_requests_arrive_whole(server: str) -> None:
    seen: list[Request] = []

    def noted(request: Request) -> str:
        seen.append(request)
        return "a"

    with fault_proxy(server, noted) as proxy:
        proxy.arm(Fault("f", Way.ANSWER))
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
        connection.request("PUT", "/", iter([b"one", b"two"]), encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()
    assert seen[0].body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
