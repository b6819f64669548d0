"""Bad input gets a precise refusal and changes nothing."""
import gzip
import json
import os
import pathlib
import re
import socket
import struct
import threading
import time

import pytest

from gridd import NDJSON, Gridd, line_of, report

SHARED = pathlib.Path(os.environ.get("GRIDD_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared"))


def head(path="/v1/reports", method="POST", kind=NDJSON, length=None, more=""):
    length = f"Content-Length: {length}\r\n" if length is not None else ""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{length}{more}\r\n".encode()


def status_of(raw):
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.1 ") else None


def test_every_file_of_the_json_suite_as_a_line(server):
    folder = SHARED / "data/json/test_parsing"
    if not folder.is_dir():
        pytest.skip(f"the corpus {folder} is absent")
    before = len(server.timeline("c"))
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        answer = server.post(data)
        # None of them is a report: a well-formed one lacks its fields, the rest is not JSON.
        assert answer.status == (422 if len(data) <= 65536 else 413), (path.name, answer.body)
        lines = [line for line in data.split(b"\n") if line.strip(b" \t\r")]
        bulk = server.post_lines([data]).json()
        assert bulk["counts"]["invalid"] == len(lines), path.name
    assert len(server.timeline("c")) == before


def test_line_limit():
    with Gridd() as server:
        for size, verdict in ((65535, "created"), (65536, "created"), (65537, "invalid")):
            body = server.post_lines([report(f"a{size}"), line_of(size, f"s{size}"), report(f"b{size}")]).json()
            assert body["counts"][verdict] == (3 if verdict == "created" else 1), size
            assert body["counts"]["created"] >= 2
        assert body["items"][0]["line"] == 2 and "65536" in body["items"][0]["problem"]["detail"]


def test_single_body_limit():
    with Gridd() as server:
        for size, status in ((65535, 201), (65536, 201), (65537, 413)):
            assert server.post(line_of(size, f"s{size}")).status == status, size


@pytest.mark.parametrize("line", [
    b'{"id":"a\x00b"}', b'{"text":"\xff"}', b'{"text":"\\ud800"}', b'{"text":"\xed\xa0\x80"}', b'{"text":"\xc0\xaf"}',
    b'{"id":"a","id":"b"}', b'{"id":"a","\\u0069d":"b"}', b"[" * 33 + b"]" * 33, b"\xef\xbb\xbf{}", b"{}{}", b"NaN",
    b'{"a":01}', b'{"a":1,}', b"'a'", b"{", b'"', b"{\"a\":" * 10000, b'{"id":"a\\u0000b"}',
])
def test_hostile_lines_are_invalid_one_by_one(server, line):
    body = server.post_lines([report("good-before"), line, report("good-after")]).json()
    assert body["counts"]["invalid"] == 1, body
    assert body["items"][0]["line"] == 2 and body["items"][0]["problem"]["detail"]


def test_body_limits_tell_what_was_taken():
    with Gridd("--limit", "body_wire_bytes=2000") as server:
        lines = [report(n) for n in range(40)]
        answer = server.post_lines(lines)
        assert answer.status == 413
        stored = len(server.timeline("c"))
        assert answer.json()["counts"]["created"] == stored
        assert server.post_lines(lines[:8]).status == 200


def test_a_gzip_bomb_is_refused():
    with Gridd() as server:
        bomb = gzip.compress(b" " * (64 << 20), 9)
        answer = server.post_lines([b""], **{"Content-Encoding": "gzip"})
        assert answer.status == 400
        answer = server.request("POST", "/v1/reports", bomb, {"Content-Type": NDJSON, "Content-Encoding": "gzip"})
        assert answer.status == 413, answer.body
        assert server.get("/healthz").status == 200


def zstd_frame(data):
    """A frame of raw blocks, which needs no library: magic, window of 64 KiB, blocks of at most that, no checksum."""
    blocks = [data[at:at + 65536] for at in range(0, len(data), 65536)] or [b""]
    frame = b"\x28\xb5\x2f\xfd\x00\x30"
    for number, block in enumerate(blocks):
        frame += (len(block) << 3 | (number == len(blocks) - 1)).to_bytes(3, "little") + block
    return frame


def test_zstd_bodies_whole_truncated_and_concatenated(server):
    data = "\n".join(json.dumps(report(f"z{n}", text="z" * 200)) for n in range(1000)).encode()
    frame = zstd_frame(data)

    def post(body):
        return server.request("POST", "/v1/reports", body, {"Content-Type": NDJSON, "Content-Encoding": "zstd"})

    for cut in (1, 5, len(frame) // 2, len(frame) - 1):
        answer = post(frame[:cut])
        counts = answer.json().get("counts", {"created": 0, "replayed": 0})
        assert answer.status == 400 and counts["created"] + counts["replayed"] < 1000, (cut, answer.body)
    assert post(frame + frame).status == 400
    assert post(b"\x28\xb5\x2f\xfd\x00\xf8" + frame[6:]).status == 413  # asks for a window of 2 GiB
    answer = post(frame)
    assert answer.status == 200
    assert answer.json()["counts"]["created"] + answer.json()["counts"]["replayed"] == 1000


def test_truncated_gzip_tells_what_was_taken(server):
    data = gzip.compress("\n".join(json.dumps(report(f"t{n}", text=os.urandom(40).hex())) for n in range(2000)).encode())
    for cut in (10, len(data) // 2, len(data) - 1):
        answer = server.request("POST", "/v1/reports", data[:cut], {"Content-Type": NDJSON, "Content-Encoding": "gzip"})
        assert answer.status == 400, (cut, answer.body)
        assert answer.json()["counts"]["created"] + answer.json()["counts"]["replayed"] < 2000


def test_a_client_that_dies_at_every_byte_of_a_bulk():
    with Gridd() as server:
        body = "\n".join(json.dumps(report(n)) for n in range(3)).encode() + b"\n"
        whole = head(length=len(body)) + body
        for cut in range(len(whole)):
            for reset in (0, 1):  # closed politely, and torn
                with socket.create_connection(("127.0.0.1", server.port)) as peer:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
                    peer.sendall(whole[:cut])
        assert status_of(server.raw(whole, shut=True)) == 200
        assert sorted(row["id"] for row in server.timeline("c")) == ["r-0", "r-1", "r-2"]


def test_one_byte_segments():
    with Gridd() as server:
        body = json.dumps(report(1)).encode()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in head(kind="application/json", length=len(body)) + body:
                peer.sendall(bytes([byte]))
            assert status_of(peer.recv(65536)) == 201


def test_ten_thousand_pipelined_requests_unread():
    with Gridd() as server:
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        count, received = 10000, []
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            sender = threading.Thread(target=lambda: peer.sendall(one * count))
            sender.start()
            time.sleep(1)  # nothing is read: the server must stop reading, not pile up answers
            assert server.get("/healthz").status == 200
            while data := peer.recv(1 << 20):  # the connection ends after requests_per_connection, the same number
                received.append(data)
            sender.join()
        assert b"".join(received).count(b"HTTP/1.1 200") == count


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
    (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 400),
    (b"TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /v1/regions/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    (b"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 400),
    (head(length=5, more="Transfer-Encoding: chunked\r\n") + b"hello", 400),
    (head(more="Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n", 400),
    (head(more="Transfer-Encoding: chunked\r\n") + b"1;ext=1\r\nx\r\n0\r\n\r\n", 400),
    (head(more="Transfer-Encoding: chunked\r\n") + b"1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n", 400),
    (head(length=1, more="Expect: 200-maybe\r\n") + b"\n", 417),
    (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 70 + b"\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
    (b"garbage\r\n\r\n", 400),
])
def test_malformed_requests(server, request_bytes, status):
    whole = server.raw(request_bytes, shut=True)  # a refusal for its content keeps the connection
    assert status_of(whole) == status, whole[:300]
    assert b"X-Request-Id:" in whole and len(re.findall(rb"HTTP/1\.1 \d", whole)) == 1
    assert server.get("/healthz").status == 200


def test_expect_continue(server):
    body = json.dumps(report("expect")).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer:
        peer.sendall(head(kind="application/json", length=len(body), more="Expect: 100-continue\r\n"))
        assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(body)
        assert status_of(peer.recv(65536)) == 201
    refused = server.raw(head(kind="text/plain", length=5, more="Expect: 100-continue\r\n"))
    assert status_of(refused) == 415


def test_head_and_options(server):
    answer = server.request("HEAD", "/healthz")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["Content-Length"]) > 0
    answer = server.request("OPTIONS", "/v1/reports")
    assert answer.status == 204 and "POST" in answer.headers["Allow"]


def test_slow_requests_are_cut():
    with Gridd("--limit", "first_byte_ms=300", "--limit", "header_ms=500", "--limit", "body_grace_ms=300",
               "--limit", "keepalive_ms=400") as server:
        assert server.raw(b"") == b""
        assert status_of(server.raw(b"GET /healthz HTTP/1.1\r\n")) == 408
        assert status_of(server.raw(head(length=100) + b"x")) == 408
        assert status_of(server.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
