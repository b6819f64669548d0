"""A server-sent events client as WHATWG HTML describes it (9.2.6), over a raw socket."""
import json
import socket
import time


class Event:
    def __init__(self, kind, data, last_id):
        self.kind, self.data, self.id = kind, data, last_id
        self.seq = int(last_id.rsplit("-", 1)[1]) if last_id else None

    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"Event({self.kind!r}, {self.id!r}, {self.data[:80]!r})"


class Feed:
    """One open stream. Everything a client may know: status, headers, events, comments, last id, retry."""

    def __init__(self, port, query="", last_id=None, method="GET", headers=None, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        fields = {"Host": "x", "Accept": "text/event-stream", **(headers or {})}
        if last_id is not None:
            fields["Last-Event-ID"] = last_id
        head = f"{method} /v1/feed{query} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        self.socket.sendall(head.encode() + b"\r\n")
        self.wire, self.text, self.ended = b"", b"", False
        self.events, self.comments, self.retry, self.first_line = [], [], None, None
        self.last_id = last_id or ""
        self.kind, self.data, self.id_buffer = "", [], self.last_id
        self.raw = b""
        self._read_head()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def _read_head(self):
        while b"\r\n\r\n" not in self.wire:
            part = self.socket.recv(65536)
            assert part, self.wire
            self.wire += part
        head, self.wire = self.wire.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self._dechunk()
            self._parse()

    def _dechunk(self):
        while True:
            size, found, rest = self.wire.partition(b"\r\n")
            if not found:
                return
            count = int(size, 16)
            if len(rest) < count + 2:
                return
            assert rest[count:count + 2] == b"\r\n"
            self.text += rest[:count]
            self.raw += rest[:count]
            self.wire = rest[count + 2:]
            if count == 0:
                self.ended = True
                return

    def _parse(self):
        while b"\n" in self.text:
            line, self.text = self.text.split(b"\n", 1)
            line = line.decode("utf-8")
            assert "\r" not in line and "\0" not in line
            if self.first_line is None:
                self.first_line = line
            self._line(line)

    def _line(self, line):
        if line == "":
            self._dispatch()
            return
        if line.startswith(":"):
            self.comments.append(line[1:])
            return
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            self.kind = value
        elif field == "data":
            self.data.append(value)
        elif field == "id":
            self.id_buffer = value
        elif field == "retry" and value.isdigit():
            self.retry = int(value)

    def _dispatch(self):
        self.last_id = self.id_buffer
        if self.data:
            self.events.append(Event(self.kind or "message", "\n".join(self.data), self.last_id))
        self.kind, self.data = "", []

    def pump(self, seconds):
        """Reads once, waiting at most that long; False at the end of the stream or when nothing came."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            part = self.socket.recv(1 << 16)
        except TimeoutError:
            return False
        except ConnectionError:
            part = b""
        if not part:
            self.ended = True
            return False
        self.wire += part
        self._dechunk()
        self._parse()
        return True

    def until(self, condition, seconds=30):
        """Reads until `condition(self)` holds; fails the test when it does not come to that."""
        end = time.monotonic() + seconds
        while not condition(self):
            assert not self.ended, f"the stream ended: {self.raw[-500:]}"
            assert time.monotonic() < end, f"it did not come: {self.raw[-500:]}"
            self.pump(end - time.monotonic())
        return self

    def named(self):
        """The events that an application listens to: all but checkpoints."""
        return [event for event in self.events if event.kind != "message"]

    def newest(self):
        return next((event.seq for event in reversed(self.events) if event.kind != "message"), None)

    def seqs(self):
        return [event.seq for event in self.named()]
