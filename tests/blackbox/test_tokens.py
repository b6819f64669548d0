"""Tokens: made once, asked for everywhere, revoked at once, and never seen again."""
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from gridd import BIN, report, run
from guarded import Guarded
from sse import Feed


@pytest.fixture(scope="module")
def guarded():
    with Guarded() as running:
        yield running


def test_init_prints_the_token_alone_and_once(tmp_path):
    made = run("init", "--data", tmp_path / "d")
    assert made.returncode == 0
    lines = made.stdout.splitlines()
    assert len(lines) == 1 and lines[0].startswith("gd_human_")
    assert (tmp_path / "d" / "keys").stat().st_mode & 0o777 == 0o600
    secret = lines[0].split("_")[3].encode()
    for path in (tmp_path / "d").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


def test_who_has_no_good_token_is_answered_401(guarded):
    forged = guarded.admin[:-1] + ("0" if guarded.admin[-1] != "0" else "1")
    other = guarded.make(["ops"])
    mixed = guarded.admin.rsplit("_", 2)[0] + "_" + "_".join(other.rsplit("_", 2)[1:])
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "},
                    {"Authorization": "Bearer " + forged}, {"Authorization": "Bearer " + mixed},
                    {"Authorization": "Bearer " + "x" * 4000}, {"Authorization": guarded.admin}):
        for method, path in (("GET", "/v1/me"), ("GET", "/metrics"), ("POST", "/v1/reports"), ("GET", "/v1/feed"),
                             ("GET", "/v1/tickets/t1"), ("DELETE", "/v1/tokens/x"), ("PUT", "/v1/regions")):
            answer = guarded.request(method, path, headers=headers, token=None)
            assert answer.status == 401, (headers, method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "x" * 100 not in answer.body.decode()
    for path in ("/healthz", "/readyz"):
        assert guarded.request("GET", path, token=None).status == 200


def test_who_am_i(guarded):
    me = guarded.ask("GET", "/v1/me", guarded.admin).json()
    assert me["authenticated"] and me["roles"] == ["admin"] and me["region"] is None and "token.admin" in me["actions"]
    token = guarded.make(["unit", "checker"], "c1", name="王", unit="police", expires_in_s=100)
    me = guarded.ask("GET", "/v1/me", token).json()
    assert (me["name"], me["roles"], me["region"], me["unit"]) == ("王", ["unit", "checker"], "c1", "police")
    assert me["expires_at"].endswith("Z")


def test_what_a_token_must_be_is_said(guarded):
    good = {"kind": "human", "name": "li", "roles": ["centre"]}
    for wrong, pointer in (({"kind": "robot"}, "/kind"), ({"kind": None}, "/kind"), ({"name": ""}, "/name"),
                           ({"name": "a/b"}, "/name"), ({"name": "x" * 65}, "/name"), ({"roles": []}, "/roles"),
                           ({"roles": ["root"]}, "/roles/0"), ({"region": "nowhere"}, "/region"),
                           ({"unit": "nobody"}, "/unit"), ({"expires_in_s": 0}, "/expires_in_s"),
                           ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"), ({"colour": 1}, "/colour"),
                           ({"kind": "device"}, "/roles"), ({"kind": "device", "roles": ["device"]}, "/expires_in_s"),
                           ({"kind": "device", "roles": ["device"], "expires_in_s": 90 * 86400 + 60}, "/expires_in_s")):
        answer = guarded.ask("POST", "/v1/tokens", guarded.admin, {**good, **wrong})
        assert answer.status == 422, (wrong, answer.body)
        assert answer.json()["errors"][0]["pointer"] == pointer, (wrong, answer.body)
    assert guarded.ask("POST", "/v1/tokens", guarded.admin, good).status == 201


def test_tokens_are_listed_without_their_secrets(guarded):
    made = [guarded.make(["ops"], name=f"lamp-{n}") for n in range(5)]
    items, cursor = [], ""
    while cursor is not None:
        page = guarded.ask("GET", f"/v1/tokens?limit=2{cursor and '&cursor=' + cursor}", guarded.admin).json()
        assert 0 < len(page["items"]) <= 2
        items, cursor = items + page["items"], page["next_cursor"]
    ids = [item["id"] for item in items]
    assert ids == sorted(set(ids)) and {token.split("_")[2] for token in made} <= set(ids)
    text = guarded.ask("GET", "/v1/tokens?limit=1000", guarded.admin).body.decode()
    assert not any(token.split("_")[3] in text for token in made)
    assert guarded.ask("GET", "/v1/tokens?cursor=x", guarded.admin).status == 400


def test_an_expired_token_is_over(guarded):
    token = guarded.make(["ops"], expires_in_s=1)
    assert guarded.ask("GET", "/v1/me", token).status == 200
    while guarded.ask("GET", "/v1/me", token).status == 200:
        time.sleep(0.05)
    assert guarded.ask("GET", "/v1/me", token).status == 401


def test_revoking_ends_open_feeds_and_stays_over_a_restart():
    with Guarded() as server:
        stored, device = server.make(["centre"], "c1"), server.make(["device"], "g1", "device", "d-1")
        other = server.make(["device"], "g1", "device", "d-2")
        ticket = server.ask("POST", "/v1/feed/ticket", stored).json()["ticket"]
        readers = [Feed(server.port, headers={"Authorization": f"Bearer {stored}"}),
                   Feed(server.port, f"?ticket={ticket}")]
        kept = Feed(server.port, headers={"Authorization": f"Bearer {server.make(['centre'])}"})
        assert server.post(report(1, source=None), Authorization=f"Bearer {device}").status == 201
        for reader in readers + [kept]:
            reader.until(lambda feed: [event.kind for event in feed.named()] == ["report"])
        assert server.ask("DELETE", f"/v1/tokens/{stored.split('_')[2]}", server.admin).status == 200
        for reader in readers:
            while not reader.ended:
                reader.pump(30)
            assert " the token is not valid any more" in reader.comments
        assert server.ask("GET", "/v1/me", stored).status == 401
        assert server.post(report(2, source=None), Authorization=f"Bearer {other}").status == 201
        kept.until(lambda feed: len(feed.named()) == 2)
        assert server.ask("DELETE", "/v1/tokens/device:d-1", server.admin).status == 200
        assert server.ask("GET", "/v1/me", device).status == 401
        assert server.ask("GET", "/v1/me", other).status == 200
        assert server.ask("DELETE", f"/v1/tokens/{stored.split('_')[2]}", server.admin).status == 404
        again = server.make(["device"], "g1", "device", "d-1")
        server.restart()
        for token, status in ((stored, 401), (device, 401), (other, 200), (again, 200), (server.admin, 200)):
            assert server.ask("GET", "/v1/me", token).status == status
        assert server.ask("DELETE", "/v1/tokens/key:k1", server.admin).status == 200
        for token in (other, again):
            assert server.ask("GET", "/v1/me", token).status == 401


def test_revoking_ends_an_upload_that_is_under_way(guarded):
    token = guarded.make(["device"], "g1", "device", "slow")
    connection = guarded.connect()
    connection.putrequest("POST", "/v1/reports")
    for name, value in (("Content-Type", "application/x-ndjson"), ("Authorization", f"Bearer {token}"),
                        ("Transfer-Encoding", "chunked")):
        connection.putheader(name, value)
    connection.endheaders()
    line = b'{"id":"1","category":"patrol","occurred_at":"2026-11-20T08:30:00Z","grid":"g1"}\n'
    connection.send(b"%x\r\n%s\r\n" % (len(line), line))
    centre = guarded.make(["centre"])
    while not guarded.ask("GET", "/v1/grids/c/timeline", centre).json()["items"]:
        time.sleep(0.05)
    assert guarded.ask("DELETE", "/v1/tokens/device:slow", guarded.admin).status == 200
    connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
    answer = connection.getresponse()
    assert answer.status == 401
    connection.close()


def test_keys_rotate_by_sighup():
    with Guarded() as server:
        keys = server.data / "keys"
        old = keys.read_text()
        before = server.make(["device"], "g1", "device", "d-1")
        keys.write_text(old + "".join(f"{kind} {name} {'5a' * 32}\n" for kind, name in (("pepper", "p2"), ("device", "k2"))))
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, '"event":"reload"')
        assert server.ask("GET", "/v1/me", before).status == 200
        # The new ones first: they are what new tokens get.
        lines = [line for line in keys.read_text().splitlines() if not line.startswith("#")]
        keys.write_text("\n".join(reversed(lines)) + "\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, '"event":"reload"', 2)
        after, admin = server.make(["device"], "g1", "device", "d-1"), server.make(["admin"])
        assert after.startswith("gdd1.k2.") and before.startswith("gdd1.k1.")
        assert server.ask("GET", "/v1/me", before).status == server.ask("GET", "/v1/me", after).status == 200
        keys.write_text("".join(line + "\n" for line in lines if "5a5a" in line))
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, '"event":"reload"', 3)
        for token, status in ((before, 401), (server.admin, 401), (after, 200), (admin, 200)):
            assert server.ask("GET", "/v1/me", token).status == status
        keys.write_text("nonsense\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, '"event":"reload_failed"')
        assert server.ask("GET", "/v1/me", admin).status == 200


def wait_for_log(server, words, times=1):
    end = time.monotonic() + 60
    while server.log_text().count(words) < times:
        assert time.monotonic() < end, server.log_text()
        time.sleep(0.02)


def test_the_command_is_a_client(guarded, tmp_path):
    secret = tmp_path / "admin"
    secret.write_text(guarded.admin + "\n")
    url = ("--url", f"http://127.0.0.1:{guarded.port}", "--token-file", secret)
    made = run("token", "create", *url, "--kind", "service", "--name", "12345 热线", "--role", "gateway", "--role", "intake",
               "--region", "c1", "--expires-in-s", "600")
    assert made.returncode == 0, made.stderr
    listed = run("token", "list", *url)
    assert "12345 热线" in listed.stdout and guarded.admin.split("_")[3] not in listed.stdout
    identity = made.stdout.split('"id":"')[1].split('"')[0]
    assert run("token", "revoke", *url, "--id", identity).returncode == 0
    again = run("token", "revoke", *url, "--id", identity)
    assert again.returncode == 1 and "404" in again.stderr
    assert run("token", "revoke", *url, "--id", "device:网格 7").returncode == 0
    assert run("token").returncode == 2
    assert run("token", "create", "--url", "https://x:1").returncode == 1
    by_variable = subprocess.run([BIN, "token", "list", *url[:2]], env={**os.environ, "GRIDD_TOKEN": guarded.admin},
                                 capture_output=True, text=True, timeout=60)
    assert by_variable.returncode == 0


def test_secrets_stay_secret():
    """What only the holder of a token knows is in no file, no log and no answer but the first."""
    with Guarded("--limit", "linger_ms=50") as server:
        tokens = [server.admin, server.make(["centre"]), server.make(["device"], "g1", "device", "d-1")]
        canaries = [token.split("_")[3] if token.startswith("gd_") else token.rsplit(".", 1)[1] for token in tokens]
        for token in tokens:
            for path in ("/v1/me", "/v1/nowhere", "/v1/tokens", "/v1/tickets/t99", "/v1/audit"):
                body = server.ask("GET", path, token).body.decode()
                assert not any(canary in body for canary in canaries), path
            server.request("GET", "/v1/me", headers={"Authorization": "Bearer " + token[:-3]}, token=None)
        server.kill(signal.SIGTERM)
        pepper = (server.data / "keys").read_text().split()[-4:]
        for path in pathlib.Path(server.directory).rglob("*"):
            if path.is_file() and path.name != "keys":
                held = path.read_bytes()
                assert not any(canary.encode() in held for canary in canaries + [pepper[-1]]), path


def test_tokens_are_made_under_no_auth_for_a_lost_admin():
    with Guarded() as server:
        server.kill(signal.SIGTERM)
        server.command = super(Guarded, server).command
        server.start()
        found = server.ask("POST", "/v1/tokens", None, {"kind": "human", "name": "found", "roles": ["admin"]}).json()["token"]
        server.kill(signal.SIGTERM)
        del server.command
        server.start()
        assert server.ask("GET", "/v1/me", found).json()["roles"] == ["admin"]
