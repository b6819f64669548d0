"""Under a service manager: notifications, passed sockets, exit codes, the admin listener, a disk that stalls."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from gridd import BIN, Gridd, report, run
from test_operations import sanitized

SHIM = pathlib.Path(os.environ.get("GRIDD_FAIL_DISK", pathlib.Path(BIN).resolve().parents[1] / "lib/libfail_disk.so"))


class Manager:
    """The socket that NOTIFY_SOCKET names, and what came there."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(60)
        self.lines = []

    def until(self, line):
        while line not in self.lines:
            self.lines += self.socket.recv(4096).decode().splitlines()
        self.lines.clear()

    def close(self):
        self.socket.close()


def test_the_manager_is_told_of_start_reload_life_and_stop(tmp_path, monkeypatch):
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    with Gridd() as server:
        manager.until("READY=1")
        manager.until("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        manager.until("RELOADING=1")
        manager.until("READY=1")
        server.process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert server.process.wait(timeout=60) == 0
    manager.close()


class Activated(Gridd):
    """Started again and again on one listening socket that outlives it, as systemd would."""

    def __init__(self, listener, *flags):
        self.listener = listener
        super().__init__(*flags, start=False)

    def start(self, *flags):
        log = open(self.directory / "log", "ab")
        script = f'exec 3<&{self.listener.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=gridd.socket; exec "$@"'
        command = ["bash", "-c", script, "bash", BIN, "serve", "--data", str(self.data), "--no-auth"]
        self.process = subprocess.Popen(command + self.flags + list(flags), stdout=subprocess.PIPE, stderr=log, text=True,
                                        pass_fds=(self.listener.fileno(),))
        log.close()
        line = self.process.stdout.readline()
        assert line.startswith("gridd: listening on http://127.0.0.1:"), self.log_text()
        self.port = int(line.rsplit(":", 1)[1])


def test_restarts_under_socket_activation_lose_no_connection():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    with listener, Activated(listener) as server:
        server.start()
        assert server.port == listener.getsockname()[1]
        assert server.put_regions("code,parent,level,name\nc,,0,City\ng1,c,1,Grid\n").status == 200
        stop, answers, failed = threading.Event(), [], []

        def report_on(worker):
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    answers.append(server.post(report(f"{worker}-{number}"), Connection="close").status)
                except (OSError, http.client.HTTPException) as error:
                    failed.append(repr(error))

        threads = [threading.Thread(target=report_on, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            before = len(answers)
            while len(answers) < before + 20:
                time.sleep(0.01)
                assert not failed, failed
            assert server.restart(signal.SIGTERM) == 0
        stop.set()
        for thread in threads:
            thread.join()
        assert not failed and set(answers) == {201}, (failed, set(answers))
        assert len(server.timeline("c")) == len(answers)


def test_a_passed_socket_is_judged_like_its_address(tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as listener, socket.socket() as idle:
        for fd, flags, code, word in ((listener.fileno(), ["--no-auth"], 64, "loopback"),
                                      (idle.fileno(), ["--no-auth"], 69, "does not listen")):
            script = f'exec 3<&{fd}; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
            done = subprocess.run(["bash", "-c", script, "bash", BIN, "serve", "--sysexits", "--data", str(tmp_path / "d"), *flags],
                                  capture_output=True, text=True, pass_fds=(fd,), timeout=60)
            assert done.returncode == code and word in done.stderr, done
    assert not (tmp_path / "d").exists()


def start_fails(*words, code, sysexit):
    """The same mistake, both ways of telling it."""
    for flags, expected in ((), code), (("--sysexits",), sysexit):
        done = run("serve", "--no-auth", "--listen", "127.0.0.1:0", *words, *flags)
        assert done.returncode == expected, (done.returncode, done.stderr)


def test_exit_codes(tmp_path):
    start_fails("--wings", code=2, sysexit=64)
    (tmp_path / "bad.yaml").write_text("wings: 2\n")
    start_fails("--data", tmp_path / "d", "--config", tmp_path / "bad.yaml", code=1, sysexit=78)
    start_fails("--data", tmp_path / "d", "--policy", tmp_path / "bad.yaml", code=1, sysexit=78)
    start_fails("--data", tmp_path / "no" / "d", code=1, sysexit=73)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        start_fails("--data", tmp_path / "d", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=1, sysexit=69)
    with Gridd() as server:
        server.post_lines([report(n) for n in range(100)])
        start_fails("--data", server.data, code=1, sysexit=69)
        server.kill(signal.SIGTERM)
        for name in ("*.log", "*.sst"):
            for path in server.data.rglob(name):
                path.unlink()
        start_fails("--data", server.data, code=1, sysexit=65)


@pytest.mark.skipif(os.getuid() != 0, reason="SKIPPED: only root may become somebody else")
def test_no_permission_has_its_code(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    os.chmod(tmp_path, 0o755)
    done = subprocess.run([BIN, "serve", "--sysexits", "--no-auth", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "closed")],
                          capture_output=True, text=True, timeout=60, user=65534, group=65534)
    if "exec" in done.stderr:
        pytest.skip("SKIPPED: nobody may not run the program where it lies")
    assert done.returncode == 77, done


@pytest.mark.skipif(os.getuid() != 0 or sanitized(), reason="SKIPPED: needs root and a program without sanitizers")
def test_the_memory_of_the_process_is_closed():
    with Gridd() as server:
        path = f"/proc/{server.process.pid}/environ"
        for words, may in ((["cat", path], True), (["setpriv", "--bounding-set=-all", "--inh-caps=-all", "cat", path], False)):
            # Same user, but without the right to look into every process.
            assert (subprocess.run(words, capture_output=True, timeout=60).returncode == 0) == may


def ask_unix(path, target):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        peer.connect(str(path))
        peer.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := peer.recv(65536):
            answer += part
    head, body = answer.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), body.decode()


def test_the_admin_listener_has_what_operators_ask_and_the_other_one_not():
    with Gridd(start=False) as server:
        path = server.directory / "admin.sock"
        server.flags += ["--admin", f"unix:{path}"]
        server.start()
        assert os.stat(path).st_mode & 0o777 == 0o660
        for target in ("/metrics", "/livez", "/healthz", "/readyz", "/startupz"):
            assert ask_unix(path, target)[0] == 200, target
            assert server.get(target).status == 404, target
        status, text = ask_unix(path, "/readyz?verbose=1")
        assert status == 200 and [line.split()[:2] for line in text.splitlines()] == [
            ["ok", name] for name in ("store", "drain", "disk", "commit_queue", "commit_age")]
        assert server.get("/v1/ping").status == 200 and server.get("/v1/status").status == 200
        for target in ("/v1/status", "/v1/ping", "/", "/v1/tickets"):
            assert ask_unix(path, target)[0] == 404, target
        assert 'route="metrics",code="4xx"' in ask_unix(path, "/metrics")[1]
        server.restart()  # the socket that a kill left is no obstacle
        assert ask_unix(path, "/livez")[0] == 200
    refused = run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0", "--data", "/nowhere")
    assert refused.returncode == 2 and "loopback" in refused.stderr


def test_without_an_admin_listener_all_is_at_one(server):
    for target in ("/metrics", "/livez", "/healthz", "/readyz", "/startupz", "/v1/ping"):
        assert server.get(target).status == 200, target


def test_a_drain_says_so_before_it_begins():
    with Gridd("--limit", "drain_grace_ms=600000") as server:
        process = server.process
        process.send_signal(signal.SIGTERM)
        while (answer := server.get("/readyz?verbose=1")).status == 200:
            time.sleep(0.01)
        assert answer.status == 503 and b"NOT drain: draining" in answer.body
        assert server.post(report(1)).status == 201  # what comes is still taken
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


@pytest.mark.skipif(not SHIM.exists(), reason=f"SKIPPED: {SHIM} is not built")
def test_a_disk_that_does_not_come_back_makes_not_ready_and_then_ends_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIL_DISK", str(tmp_path))
    with Gridd("--limit", "commit_slow_ms=100", "--limit", "commit_stuck_ms=4000", start=False) as server:
        with monkeypatch.context() as preloaded:
            preloaded.setenv("LD_PRELOAD", str(SHIM))
            preloaded.setenv("ASAN_OPTIONS", "verify_asan_link_order=0")
            server.start()
        assert server.put_regions("code,parent,level,name\nc,,0,City\ng1,c,1,Grid\n").status == 200
        (tmp_path / "stall").touch()
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            body = json.dumps(report(1))
            peer.sendall(f"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            while (answer := server.get("/readyz")).status == 200:
                time.sleep(0.01)
            assert answer.status == 503 and b"commit_slow_ms" in answer.body
            assert server.process.wait(timeout=60) == -signal.SIGABRT
        events = [json.loads(line)["event"] for line in server.log_text().splitlines() if line.startswith("{")]
        assert "commit_slow" in events and events[-1] == "commit_stuck"
        server.kill()
        (tmp_path / "stall").unlink()
        server.start()
        assert server.post(report(1)).status in (200, 201)
