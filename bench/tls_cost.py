#!/usr/bin/env python3
"""What TLS costs a gridd: memory of an idle connection, CPU of bulk uploads, CPU of a handshake; each beside plain HTTP.

usage: tls_cost.py --bin build/release/bin/gridd [--connections 2000] [--uploads 60] [--turns 3]
Certificates are made by the openssl command. The client runs beside the server and is not counted.
"""
import argparse
import json
import os
import pathlib
import resource
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/blackbox"))
arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--bin", required=True)
arguments.add_argument("--connections", type=int, default=2000)
arguments.add_argument("--uploads", type=int, default=60)
arguments.add_argument("--turns", type=int, default=3)
given = arguments.parse_args()
os.environ["GRIDD_BIN"] = given.bin

from gridd import Gridd, report  # noqa: E402
from tls import Authority, TlsGridd  # noqa: E402

LINES = 5000
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def metric(server, name):
    text = server.get("/metrics").body.decode()
    return float(next(line for line in text.splitlines() if line.startswith(name + " ")).split(" ")[1])


def dial(server, context):
    peer = socket.create_connection(("127.0.0.1", server.port))
    peer = context.wrap_socket(peer, server_hostname="localhost") if context else peer
    peer.sendall(HEALTH)
    assert b" 200 " in peer.recv(65536)
    return peer


def idle_bytes(server, context):
    """Resident bytes of a keep-alive connection that has had one answer."""
    peers = [dial(server, context) for _ in range(200)]  # so that pools are there
    time.sleep(0.5)
    before = metric(server, "process_resident_memory_bytes")
    peers += [dial(server, context) for _ in range(given.connections)]
    time.sleep(0.5)
    grown = metric(server, "process_resident_memory_bytes") - before
    for peer in peers:
        peer.close()
    return grown / given.connections


def upload_seconds(server, bodies):
    connection, before = server.connect(), metric(server, "process_cpu_seconds_total")
    for body in bodies:
        answer = server.post_lines(body, connection=connection)
        assert answer.status == 200 and answer.json()["counts"]["created"] == LINES
    return metric(server, "process_cpu_seconds_total") - before


def handshake_seconds(server, count=500):
    before = metric(server, "process_cpu_seconds_total")
    for _ in range(count):
        server.tls().close()
    return (metric(server, "process_cpu_seconds_total") - before) / count


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (given.connections + 1000, given.connections + 1000))
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(pathlib.Path(directory))
        pair = authority.issue("server")
        for turn in range(given.turns):
            bodies = [[json.dumps(report(f"{n}-{line}", text="x" * 80)) for line in range(LINES)]
                      for n in range(given.uploads)]
            megabytes = sum(len(line) + 1 for body in bodies for line in body) / 1e6
            for kind in ("plain", "tls"):
                flags = ("--limit", "keepalive_ms=600000")
                with TlsGridd(authority, pair, *flags) if kind == "tls" else Gridd(*flags) as server:
                    idle = idle_bytes(server, server.context() if kind == "tls" else None)
                    cpu = upload_seconds(server, bodies)
                    shake = handshake_seconds(server) * 1e6 if kind == "tls" else 0
                    print(f"{turn} {kind:5}  idle {idle:6.0f} bytes  upload {megabytes:.0f} MB {cpu:.2f} s of CPU"
                          + (f"  handshake {shake:.0f} us" if shake else ""), flush=True)


if __name__ == "__main__":
    main()
