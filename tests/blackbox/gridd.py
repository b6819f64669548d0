"""A real gridd for the black-box tests: started on loopback, port 0, on a fresh directory on disk."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

BIN = os.environ.get("GRIDD_BIN", "build/dev/bin/gridd")
# Every directory that a test leaves is proved, not only those that a test asks about.
VERIFY_ALL = os.environ.get("GRIDD_VERIFY_ALL") == "1"
NDJSON = "application/x-ndjson"
REGIONS = """code,parent,level,name,lat,lon
c,,0,City,,
c1,c,1,Town one,30.0,110.0
c10,c,1,Town ten,31.0,111.0
g1,c1,2,Grid one,30.001,110.001
g2,c1,2,Grid two,30.201,110.201
g10,c10,2,Grid ten,31.001,111.001
"""


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]


class Gridd:
    """One gridd process. Use it in a `with` block; the directory goes away at its end."""

    scheme = "http"

    def __init__(self, *flags, regions=REGIONS, start=True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gridd-test-"))
        self.data = self.directory / "data"
        self.flags, self.process, self.port = list(flags), None, 0
        if start:
            self.start()
            if regions:
                answer = self.put_regions(regions)
                assert answer.status == 200, answer.body

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        if VERIFY_ALL and exception[0] is None and self.data.exists():
            verified = run("verify", "--data", self.data)
            assert verified.returncode == 0, verified.stderr
        shutil.rmtree(self.directory, ignore_errors=True)

    def command(self):
        return [BIN, "serve", "--data", str(self.data), "--no-auth", "--listen", f"127.0.0.1:{self.port}"]

    def start(self, *flags):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(self.command() + self.flags + list(flags), stdout=subprocess.PIPE,
                                        stderr=log, text=True)
        log.close()
        line = self.process.stdout.readline()
        assert line.startswith(f"gridd: listening on {self.scheme}://127.0.0.1:"), self.log_text()
        self.port = int(line.rsplit(":", 1)[1])

    def log_text(self):
        return (self.directory / "log").read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process = None
        return code

    def restart(self, number=signal.SIGKILL):
        code = self.kill(number)
        self.start()
        return code

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection or self.connect()
        if isinstance(body, str):
            body = body.encode()
        own.request(method, path, body, headers or {})
        answer = Answer(own.getresponse())
        if connection is None:
            own.close()
        return answer

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def put_regions(self, text, kind="text/csv", **headers):
        return self.request("PUT", "/v1/regions", text, {"Content-Type": kind, **headers})

    def post(self, report, connection=None, **headers):
        """One report: a dict, or text as it is."""
        body = report if isinstance(report, (str, bytes)) else json.dumps(report, ensure_ascii=False)
        return self.request("POST", "/v1/reports", body, {"Content-Type": "application/json", **headers},
                            connection)

    def post_lines(self, lines, query="", connection=None, **headers):
        """Many reports: dicts, or lines as they are (str or bytes)."""
        encoded = [line if isinstance(line, bytes) else (line if isinstance(line, str) else
                   json.dumps(line, ensure_ascii=False)).encode() for line in lines]
        return self.request("POST", "/v1/reports" + query, b"\n".join(encoded) + b"\n",
                            {"Content-Type": NDJSON, **headers}, connection)

    def timeline(self, code, query="", accept=NDJSON):
        answer = self.request("GET", f"/v1/grids/{code}/timeline{query}", headers={"Accept": accept})
        assert answer.status == 200, answer.body
        return answer.lines() if accept == NDJSON else answer

    def raw(self, data, timeout=20, shut=False):
        """Bytes over a fresh socket; everything the server says until it closes (or the time is up)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as peer:
            parts = []
            try:
                peer.sendall(data)
                if shut:
                    peer.shutdown(socket.SHUT_WR)
                while part := peer.recv(65536):
                    parts.append(part)
            except OSError:
                pass
            return b"".join(parts)


def report(number=1, **fields):
    """A valid report; fields override, None leaves one out."""
    base = {"id": f"r-{number}", "source": "test", "category": "patrol",
            "occurred_at": "2026-11-20T08:30:00Z", "grid": "g1", "text": "a lamp is out"}
    base.update(fields)
    return {key: value for key, value in base.items() if value is not None}


def line_of(size, number, **fields):
    """A report of exactly `size` bytes."""
    bare = json.dumps(report(number, pad=[""], **fields))
    parts, room = [], size - len(bare)
    while room > 0:  # strings of at most 16 KiB
        take = min(room - (4 if parts else 0), 16000)
        parts.append("x" * take)
        room -= take + (4 if len(parts) > 1 else 0)
    line = json.dumps(report(number, pad=parts or [""], **fields))
    assert len(line) == size, (len(line), size)
    return line


def run(*arguments, timeout=120):
    """A gridd subcommand; the completed process with text output."""
    return subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
