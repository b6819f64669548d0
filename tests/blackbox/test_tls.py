"""TLS from outside: what is refused, what a cut and a stall come to, reloads, gateways' certificates."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from unittest import mock

import pytest

from gridd import BIN, Gridd, report, run
from sse import Feed
from test_operations import wait_for_log
from tls import Authority, GuardedTlsGridd, TlsGridd


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("server")


@pytest.fixture(scope="module")
def server(authority, pair):
    with TlsGridd(authority, pair, "--limit", "linger_ms=200") as running:
        yield running


def s_client(server, *words, send=b"", seconds=20):
    """What `openssl s_client` says of the server."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.authority.root, *words]
    answer = subprocess.run(list(map(str, command)), input=send, capture_output=True, timeout=seconds)
    return (answer.stdout + answer.stderr).decode(errors="replace")


HELLO = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_reports_over_both_versions(server, version):
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=server.context(version=version))
    for number in range(3):  # kept alive
        answer = server.post(report(f"{version}-{number}"), connection)
        assert answer.status == 201
    assert connection.sock.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert connection.sock.cipher()[0] in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                           "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_AES_128_GCM_SHA256",
                                           "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


@pytest.mark.parametrize("words, result", [
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "version"), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "version"),
    (["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA"], "cipher"),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], "cipher"), (["-tls1_3", "-groups", "P-521"], "cipher"),
    (["-alpn", "h2"], "protocol")])
def test_weak_offers_are_refused(server, words, result):
    before = server.handshakes()[result]
    said = s_client(server, *words, send=HELLO)
    assert "200 OK" not in said and "alert" in said, said
    assert server.handshakes()[result] == before + 1
    assert f'"result":"{result}"' in server.log_text()


def test_what_s_client_sees(server):
    said = s_client(server, "-alpn", "h2,http/1.1", "-ign_eof", send=HELLO)
    assert "200 OK" in said and "ALPN protocol: http/1.1" in said and "Verify return code: 0 (ok)" in said, said
    assert "New Session Ticket" not in said and "Compression: NONE" in said
    twelve = s_client(server, "-tls1_2", "-ign_eof", send=HELLO)
    assert "Secure Renegotiation IS supported" in twelve and "TLS session ticket:" not in twelve, twelve


def test_nobody_renegotiates(server):
    said = s_client(server, "-tls1_2", send=b"R\n")
    assert "RENEGOTIATING" in said and "no renegotiation" in said, said


def test_plain_http_is_told_what_is_wrong(server):
    answer = server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400 ") and "https://" in json.loads(body)["detail"]
    assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(body)
    assert server.handshakes()["plain_http"] == 1


def test_a_byte_at_a_time(server):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def turn(call):
            while True:
                try:
                    done = call()
                except ssl.SSLWantReadError:
                    done = None
                for byte in outgoing.read():
                    peer.send(bytes([byte]))
                if done is not None:
                    return done
                incoming.write(peer.recv(65536))

        turn(lambda: client.do_handshake() or True)
        body = json.dumps(report("bytes")).encode()
        turn(lambda: client.write(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                  b"Content-Length: %d\r\n\r\n" % len(body) + body))
        assert turn(lambda: client.read(65536)).startswith(b"HTTP/1.1 201 ")


def test_a_cut_is_no_end(server):
    """Half a body, then the end of the stream, without a word of TLS: nothing of it is taken."""
    line = json.dumps(report("cut")).encode() + b"\n"
    before = server.get("/metrics").body.decode().count('reason="tls_truncated"')
    for farewell in (False, True):
        peer = server.tls()
        peer.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 4000\r\n\r\n" + line)
        if farewell:
            with contextlib.suppress(ssl.SSLError):
                peer.unwrap()  # an end, told; the body is none the longer for it
        peer.close()
    deadline = time.monotonic() + 20
    while f'rejected_total{{reason="tls_truncated"}} {before + 1}\n' not in server.get("/metrics").body.decode():
        assert time.monotonic() < deadline
    assert server.post(report("cut")).json()["status"] == "created"


def test_pipelined_requests_in_one_record_and_in_many(server):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for pieces in ([request * 50], [request] * 50):
        with server.tls() as peer:
            for piece in pieces:
                peer.sendall(piece)
            got = b""
            while got.count(b"HTTP/1.1 200 ") < 50:
                got += peer.recv(65536)


def test_a_big_upload_and_a_slow_reader(server):
    lines = [report(f"big{n}", text="x" * 900) for n in range(20000)]
    answer = server.post_lines(lines).json()
    assert answer["counts"]["created"] == 20000
    with server.tls(timeout=60) as peer:
        peer.sendall(b"GET /v1/grids/g1/timeline HTTP/1.0\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n")
        got = bytearray()
        for _ in range(40):  # slowly at first
            got += peer.recv(4096)
            time.sleep(0.02)
        while part := peer.recv(65536):
            got += part
        rows = got.split(b"\r\n\r\n", 1)[1].splitlines()
        assert len(rows) >= 20000 and all(json.loads(row) for row in rows)


def test_a_feed_hears_and_its_heart_beats(authority, pair):
    with TlsGridd(authority, pair, "--limit", "feed_heartbeat_ms=300") as server:
        feed = open_feed(server)
        server.post(report("feed"))
        feed.until(lambda f: f.named())
        feed.until(lambda f: len(f.comments) >= 2)  # heartbeats


class LateTls:
    """A socket that turns to TLS when it connects: sse.Feed makes its socket by itself."""

    def __init__(self, server, plain):
        self.server, self.socket = server, plain

    def connect(self, address):
        self.socket.connect(address)
        self.socket = self.server.context().wrap_socket(self.socket, server_hostname="localhost")

    def __getattr__(self, name):
        return getattr(self.socket, name)


def open_feed(server, plain=socket.socket):
    with mock.patch("sse.socket.socket", lambda *words: LateTls(server, plain(*words))):
        return Feed(server.port)


def certificate_of(server):
    with server.tls() as peer:
        return peer.getpeercert()["serialNumber"]


def replace_pair(server, pair):
    for old, new in zip((server.certificate, server.key), pair):
        os.replace(new, old)


def test_a_reload_changes_new_connections_only(authority):
    with TlsGridd(authority, authority.issue("reload-a")) as server:
        kept, feed, first = server.connect(), open_feed(server), certificate_of(server)
        assert server.post(report(1), kept).status == 201
        replace_pair(server, authority.issue("reload-b"))
        assert certificate_of(server) == first
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, '"event":"reload"')
        second = certificate_of(server)
        assert second != first
        feed.until(lambda f: len(f.named()) == 1)
        assert server.post(report(2), kept).status == 201  # on the connection of before
        feed.until(lambda f: len(f.named()) == 2)
        # Bad files, one after the other: nothing changes, and it is told.
        good = server.certificate.read_bytes(), server.key.read_bytes()
        bad = [(b"no certificate", good[1]), (good[0], b"no key"), (authority.issue("reload-c")[0].read_bytes(), good[1])]
        for number, (certificate, key) in enumerate(bad, 1):
            server.certificate.write_bytes(certificate)
            server.key.write_bytes(key)
            server.process.send_signal(signal.SIGHUP)
            wait_for_log(server, '"event":"reload_failed"', number)
            assert certificate_of(server) == second
        server.key.write_bytes(good[1])
        server.certificate.write_bytes(good[0])
        server.key.chmod(0o640)
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "others may read it: chmod 600")
        metrics = server.get("/metrics").body.decode()
        assert 'gridd_tls_reloads_total{result="ok"} 1' in metrics
        assert 'gridd_tls_reloads_total{result="failed"} 4' in metrics
        assert server.post(report(3), kept).status == 201
        feed.until(lambda f: len(f.named()) == 3)
        end = float(re.search(r"^gridd_tls_certificate_expiry_timestamp_seconds (\S+)", metrics, re.M).group(1))
        assert 86400 < end - time.time() < 3 * 86400
        assert "the TLS certificate expires soon" in server.log_text()


def test_stalled_handshakes_are_closed_and_bounded(authority, pair):
    with TlsGridd(authority, pair, "--limit", "tls_handshake_ms=400", "--limit", "tls_handshakes=3") as server:
        hello = bytes.fromhex("16030100c8010000c40303")  # half a ClientHello
        stalled = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(2)]
        stalled[1].sendall(hello)
        for peer in stalled:
            with pytest.raises(ConnectionResetError):
                if peer.recv(100) == b"":
                    raise ConnectionResetError
        assert server.handshakes()["timeout"] == 2


def around(server, name):
    return server.limits[name] - 1, server.limits[name], server.limits[name] + 1


def test_as_many_handshakes_as_the_limit_are_under_way(authority, pair):
    for stalled in (2, 3, 4):
        with TlsGridd(authority, pair, "--limit", "tls_handshakes=3", "--limit", "tls_handshake_ms=60000") as server:
            server.limits = {"tls_handshakes": 3}
            assert stalled in around(server, "tls_handshakes")
            peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(stalled)]
            time.sleep(0.2)
            if stalled < 3:
                with server.tls() as late:  # there is room for one more
                    late.sendall(HELLO)
                    assert late.recv(100).startswith(b"HTTP/1.1 200 ")
            else:
                with pytest.raises(TimeoutError):
                    server.tls(timeout=1)
                for peer in peers[:stalled - 2]:
                    peer.close()  # what waits is taken
                with server.tls() as late:
                    late.sendall(HELLO)
                    assert late.recv(100).startswith(b"HTTP/1.1 200 ")
            for peer in peers:
                peer.close()


def test_idle_and_half_a_record_are_closed_by_the_limits(authority, pair):
    with TlsGridd(authority, pair, "--limit", "first_byte_ms=400", "--limit", "header_ms=400",
                  "--limit", "keepalive_ms=400") as server:
        with server.tls() as peer:  # nothing
            assert peer.recv(100) == b""  # with a farewell
        with server.tls() as peer:  # half a request
            peer.sendall(b"GET / HT")
            assert peer.recv(1000).startswith(b"HTTP/1.1 408 ")
        with server.tls() as peer:  # idle after an answer
            peer.sendall(HELLO.replace(b"Connection: close\r\n", b""))
            assert peer.recv(1000).startswith(b"HTTP/1.1 200 ")
            assert peer.recv(1000) == b""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()  # half a record
        client = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer:
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    peer.sendall(outgoing.read())
                    incoming.write(peer.recv(65536))
            peer.sendall(outgoing.read())
            client.write(HELLO)
            peer.sendall(outgoing.read()[:20])
            while peer.recv(1000):
                pass


def test_a_kill_loses_nothing_that_was_acknowledged(authority, pair):
    with TlsGridd(authority, pair) as server:
        taken = []
        connection = server.connect()
        for number in range(40):
            taken.append(server.post(report(number), connection).json()["seq"])
        peer = server.tls()  # an upload under way
        peer.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9000\r\n\r\n"
                     + json.dumps(report("open")).encode())
        server.restart()
        assert [server.get(f"/v1/reports/{seq}").json()["id"] for seq in taken] == [f"r-{n}" for n in range(40)]
        assert server.post(report("open")).json()["status"] == "created"


# Gateways with certificates

@pytest.fixture(scope="module")
def guarded(authority, pair):
    flags = ("--tls-client-listen", "127.0.0.1:0", "--tls-client-ca", str(authority.root), "--limit", "linger_ms=200")
    with GuardedTlsGridd(authority, pair, *flags) as running:
        token = running.make(["gateway"], region="c1", kind="service", name="gw")
        running.gateway_id = token.split("_")[2]
        running.operator = running.make(["ops"])
        yield running


def through(server, pair, method="GET", path="/v1/me", body=None, token=None):
    connection = server.connect(port=server.gateway_port(), pair=pair)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, body, headers | ({"Content-Type": "application/json"} if body else {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def refused(server, pair):
    """The handshake fails; over TLS 1.3 a client learns it with its first read."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        through(server, pair)
        raise AssertionError("it was let in")
    return True


def test_a_gateway_comes_in_by_its_certificate(guarded, authority):
    pair = authority.issue("gw", uri=f"gridd:token:{guarded.gateway_id}", use="clientAuth")
    status, body = through(guarded, pair)
    assert status == 200 and json.loads(body)["name"] == "gw", body
    # it acts with the token's roles in the token's region
    assert through(guarded, pair, "POST", "/v1/reports", json.dumps(report("gw", source="a")))[0] == 201
    assert through(guarded, pair, "POST", "/v1/reports", json.dumps(report("gw2", source="b", grid="g10")))[0] in (403, 404, 422)
    assert through(guarded, pair, "GET", "/v1/tokens")[0] == 403
    # a token in the request wins, and must be good
    assert json.loads(through(guarded, pair, token=guarded.admin)[1])["name"] != "gw"
    assert through(guarded, pair, token="gd_service_no_such_token")[0] == 401
    # the certificate is worth nothing on the other listener
    connection = guarded.connect(pair=pair)
    connection.request("GET", "/v1/me")
    assert connection.getresponse().status == 401


def test_certificates_that_are_not_good(guarded, authority, tmp_path):
    name = f"gridd:token:{guarded.gateway_id}"
    before = guarded.handshakes()["certificate"]
    assert refused(guarded, None)
    assert refused(guarded, Authority(tmp_path, "stranger").issue("alien", uri=name, use="clientAuth"))
    assert refused(guarded, authority.issue("nameless", use="clientAuth"))
    assert refused(guarded, authority.issue("other-scheme", uri="https://example.org/gw", use="clientAuth"))
    assert refused(guarded, authority.issue("two", uri=f"{name},URI:{name}", use="clientAuth"))
    assert refused(guarded, authority.issue("for-servers", uri=name, use="serverAuth"))
    assert guarded.handshakes()["certificate"] == before + 6
    assert through(guarded, authority.issue("unknown", uri="gridd:token:AAAAAAAAAAAA", use="clientAuth"))[0] == 401
    human = guarded.make(["supervisor"], kind="human", name="person").split("_")[2]
    assert through(guarded, authority.issue("person", uri=f"gridd:token:{human}", use="clientAuth"))[0] == 401


def test_two_between_are_enough(guarded, authority):
    name, above = f"gridd:token:{guarded.gateway_id}", authority
    for depth in range(1, 4):
        above = Authority(authority.directory, f"between{depth}", above)
        pair = above.issue(f"leaf{depth}", uri=name, use="clientAuth")
        if depth <= 2:
            assert through(guarded, pair)[0] == 200, depth
        else:
            assert refused(guarded, pair)


def test_a_revoked_token_takes_its_certificate_with_it(guarded, authority):
    token = guarded.make(["gateway"], kind="service", name="gone").split("_")[2]
    pair = authority.issue("gone", uri=f"gridd:token:{token}", use="clientAuth")
    connection = guarded.connect(port=guarded.gateway_port(), pair=pair)
    connection.request("GET", "/v1/me")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    assert guarded.ask("DELETE", f"/v1/tokens/{token}", guarded.admin).status in (200, 204)
    connection.request("GET", "/v1/me")  # the same connection
    assert connection.getresponse().status == 401


def test_the_token_command_speaks_tls(guarded, authority, tmp_path):
    secret = tmp_path / "admin"
    secret.write_text(guarded.admin)
    url = f"https://127.0.0.1:{guarded.port}"
    made = run("token", "list", "--url", url, "--ca", authority.root, "--token-file", secret)
    assert made.returncode == 0 and json.loads(made.stdout)["items"], made.stderr
    stranger = Authority(tmp_path, "stranger")
    for words in (("--ca", stranger.root), ()):  # not signed by who is trusted
        answer = run("token", "list", "--url", url, *words, "--token-file", secret)
        assert answer.returncode == 1 and "certificate" in answer.stderr, answer
    named = run("token", "list", "--url", url.replace("127.0.0.1", "127.0.0.2"), "--ca", authority.root,
                "--token-file", secret)
    assert named.returncode == 1, named  # nobody listens there, and the certificate is not for it


# The command line

def refusal(*words):
    answer = run("serve", *words)
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer
    return answer.stderr


def test_what_the_command_line_refuses(tmp_path, authority, pair):
    data, (certificate, key) = ("--data", tmp_path / "d"), pair
    tls = ("--tls-certificate", certificate, "--tls-key", key)
    assert "--insecure-http" in refusal(*data, "--listen", "0.0.0.0:0")
    assert "--no-auth is for loopback" in refusal(*data, "--listen", "0.0.0.0:0", "--no-auth")
    assert "--no-auth is for loopback" in refusal(*data, *tls, "--listen", "0.0.0.0:0", "--no-auth")
    assert "--no-auth is for loopback" in refusal(*data, *tls, "--no-auth", "--tls-client-listen", "0.0.0.0:0",
                                                  "--tls-client-ca", authority.root)
    assert "--tls-key" in refusal(*data, "--tls-certificate", certificate)
    assert "--tls-certificate" in refusal(*data, "--tls-key", key)
    assert "--tls-client-ca" in refusal(*data, *tls, "--tls-client-listen", "127.0.0.1:0")
    assert "--tls-certificate" in refusal(*data, "--tls-client-listen", "127.0.0.1:0")
    key.chmod(0o644)
    answer = run("serve", *data, *tls)
    key.chmod(0o600)
    assert answer.returncode == 1 and f"chmod 600 {key}" in answer.stderr
    assert not (tmp_path / "d").exists()


def test_off_loopback_with_tls_and_credentials(authority, pair, tmp_path):
    """No flag is needed with TLS; the files are systemd credentials, which a group may read."""
    for name, source in (("tls.crt", pair[0]), ("tls.key", pair[1])):
        (tmp_path / name).write_bytes(source.read_bytes())
        (tmp_path / name).chmod(0o440)
    words = [BIN, "serve", "--data", str(tmp_path / "data"), "--listen", "0.0.0.0:0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    try:
        line = process.stdout.readline()
        assert line.startswith("gridd: listening on https://0.0.0.0:"), process.stderr.read()
        context = ssl.create_default_context(cafile=authority.root)
        connection = http.client.HTTPSConnection("127.0.0.1", int(line.rsplit(":", 1)[1]), context=context)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
