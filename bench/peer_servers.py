"""Starts what gridd is compared with, each from Debian's package, on loopback and in a directory of its own, and ends it.

Each is a context manager that gives (url, pid). What a server promises before it answers is set here and said in PROMISES."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

PROMISES = {
    "redis-always": "appended to a file and synced before the answer",
    "redis-everysec": "appended to a file, synced once a second: a power cut loses up to a second",
    "postgres": "write-ahead log synced before the answer",
    "nats": "written to files, not synced before the answer (this version has no setting for it)",
    "clickhouse": "written to files, never synced; recognises nothing that was sent twice",
}
START_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(*names):
    """The first of the names that is installed, also where the PATH of users does not look."""
    for name in names:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/postgresql/15/bin")
        if found:
            return found
    raise FileNotFoundError(f"{names[0]} is not installed")


def until(answers, process, what):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with {process.returncode}")
        try:
            answers()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{what} does not answer")


def connects(port):
    socket.create_connection(("127.0.0.1", port), 1).close()


@contextlib.contextmanager
def started(arguments, port, log, what, **more):
    with open(log, "wb") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=out, **more)
    try:
        until(lambda: connects(port), process, f"{what} ({log})")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def redis(directory, fsync):
    port = free_port()
    return started([program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory), "--save", "",
                    "--appendonly", "yes" if fsync else "no", "--appendfsync", fsync or "no"], port, directory / "log", "Redis")


@contextlib.contextmanager
def postgres(directory):
    """initdb refuses root, so the cluster belongs to the package's own user then."""
    port, data = free_port(), directory / "data"
    as_user = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    subprocess.run([*as_user, program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
                   check=True, stdout=subprocess.DEVNULL, cwd="/")
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "shared_buffers": "1GB",
                "max_wal_size": "8GB", "max_connections": 200, "synchronous_commit": "on", "timezone": "UTC"}
    arguments = [*as_user, program("postgres"), "-D", data]
    for name, value in settings.items():
        arguments += ["-c", f"{name}={value}"]
    with started([str(word) for word in arguments], port, directory.parent / "postgres.log", "PostgreSQL", cwd="/") as found:
        yield found


def nats(directory):
    port, config = free_port(), directory / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{port}"\nmax_payload: 8MB\njetstream {{ store_dir: "{directory}/store", '
                      'max_mem: 1GB, max_file: 50GB }\n')
    return started([program("nats-server"), "-c", str(config)], port, directory / "log", "NATS")


def clickhouse(directory):
    port, tcp, config = free_port(), free_port(), directory / "config.xml"
    (directory / "users.xml").write_text(
        "<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>"
        "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>")
    config.write_text(
        f"<yandex><logger><level>warning</level><console>1</console></logger><http_port>{port}</http_port>"
        f"<tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host><path>{directory}/data/</path>"
        f"<tmp_path>{directory}/tmp/</tmp_path><users_config>{directory}/users.xml</users_config>"
        "<default_profile>default</default_profile><default_database>default</default_database>"
        "<mark_cache_size>1073741824</mark_cache_size></yandex>")
    return started([program("clickhouse-server"), f"--config-file={config}"], port, directory / "log", "ClickHouse",
                   cwd=directory)


def nchan(directory):
    port, config = free_port(), directory / "nginx.conf"
    config.write_text(
        "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;\ndaemon off;\nmaster_process on;\nworker_processes 1;\n"
        f"worker_rlimit_nofile 65536;\npid {directory}/pid;\nerror_log {directory}/error.log warn;\n"
        "events { worker_connections 32768; }\nhttp {\n  access_log off;\n  keepalive_requests 1000000000;\n"
        f"  client_body_temp_path {directory}/body;\n  proxy_temp_path {directory}/proxy;\n  fastcgi_temp_path {directory}/fcgi;\n"
        f"  uwsgi_temp_path {directory}/uwsgi;\n  scgi_temp_path {directory}/scgi;\n"
        f"  server {{\n    listen 127.0.0.1:{port} backlog=16384;\n"
        "    location /sub { nchan_subscriber eventsource; nchan_channel_id feed; nchan_subscriber_first_message newest; }\n"
        "    location /pub { nchan_publisher; nchan_channel_id feed; nchan_message_buffer_length 0; }\n  }\n}\n")
    return started([program("nginx"), "-c", str(config), "-p", str(directory)], port, directory / "log", "nginx")


def mosquitto(directory):
    port, config = free_port(), directory / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
                      "log_type error\nset_tcp_nodelay true\n" + ("user root\n" if os.geteuid() == 0 else ""))
    return started([program("mosquitto"), "-c", str(config)], port, directory / "log", "Mosquitto")


@contextlib.contextmanager
def gridd(binary, directory):
    """gridd prints its address; nothing is asked of it but what stands in its README."""
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen([binary, "serve", "--data", directory / "data", "--listen", "127.0.0.1:0", "--no-auth"],
                                   stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = process.stdout.readline()
        url = line[line.index("http://"):].split()[0].rstrip("/")
        urllib.request.urlopen(url + "/v1/status", timeout=30).read()
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


SERVERS = {
    "redis-always": lambda directory: redis(directory, "always"),
    "redis-everysec": lambda directory: redis(directory, "everysec"),
    "redis-memory": lambda directory: redis(directory, None),
    "postgres": postgres,
    "nats": nats,
    "clickhouse": clickhouse,
    "nchan": nchan,
    "mosquitto": mosquitto,
}


@contextlib.contextmanager
def serve(name, root, binary):
    """The server of that name on a fresh directory under root, which is removed afterwards."""
    directory = pathlib.Path(root) / f"{name}-{time.monotonic_ns()}"
    directory.mkdir(parents=True)
    try:
        with (gridd(binary, directory) if name == "gridd" else SERVERS[name](directory)) as found:
            yield found
    finally:
        shutil.rmtree(directory, ignore_errors=True)
