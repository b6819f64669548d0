"""The command line: help, exit codes, verify, repair, backup, restore."""
import os
import pathlib
import shutil
import signal
import subprocess

from gridd import BIN, REGIONS, Gridd, report, run

COMMANDS = ("init", "serve", "replay", "verify", "repair", "backup", "restore")


def refused(result, code):
    """Exit code, and exactly one line on stderr."""
    assert result.returncode == code, (result.returncode, result.stderr)
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


def test_help_everywhere():
    assert all(name in run("--help").stdout for name in COMMANDS)
    assert run("help", "--help").stdout == run("help", "help").stdout == run("--help").stdout
    for name in COMMANDS:
        result = run(name, "--help")
        assert result.returncode == 0 and "--data" in result.stdout + ("--data" if name in ("restore", "replay") else "")
        assert run("help", name).stdout == result.stdout
    assert run("version", "--help").returncode == 0
    bench = pathlib.Path(BIN).parent / "gridd-bench"
    for words in ([], ["ingest"], ["feed"], ["timeline"], ["limits"]):
        result = subprocess.run([bench, *words, "--help"], capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 and "usage" in result.stdout, words


def test_usage_errors_are_2():
    refused(run("fly"), 2)
    refused(run("serve", "--wings"), 2)
    refused(run("verify"), 2)
    refused(run("restore", "--to", "/nowhere"), 2)


def test_serving_openly_needs_a_flag_that_names_the_risk(tmp_path):
    assert "insecure-http" in refused(run("serve", "--data", tmp_path / "d", "--listen", "0.0.0.0:0"), 2)
    assert "loopback" in refused(run("serve", "--data", tmp_path / "d", "--no-auth", "--listen", "0.0.0.0:0"), 2)


def test_a_bad_configuration_names_its_line(tmp_path):
    config = tmp_path / "gridd.yaml"
    config.write_text("listen: 127.0.0.1:0\nlimits:\n  line_byte: 5\n")
    message = refused(run("serve", "--no-auth", "--data", tmp_path / "d", "--config", config), 1)
    assert "3" in message and "line_byte" in message
    assert not (tmp_path / "d").exists()


def test_init_refuses_an_existing_directory(tmp_path):
    assert run("init", "--data", tmp_path / "d").returncode == 0
    assert run("verify", "--data", tmp_path / "d").returncode == 0
    refused(run("init", "--data", tmp_path / "d"), 1)


def test_two_processes_on_one_directory():
    with Gridd() as server:
        message = refused(run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--data", server.data), 1)
        assert str(server.data) in message
        assert server.post(report(1)).status == 201


def test_backup_while_serving_and_restore():
    with Gridd() as server:
        assert server.post_lines([report(n) for n in range(300)]).json()["counts"]["created"] == 300
        epoch = server.get("/v1/status").json()["epoch"]
        backup, restored = server.directory / "backup", server.directory / "restored"
        made = run("backup", "--data", server.data, "--to", backup)
        assert made.returncode == 0, made.stderr
        assert server.post(report("later")).status == 201
        refused(run("backup", "--data", server.data, "--to", backup), 1)
        assert run("restore", "--from", backup, "--to", restored).returncode == 0
        assert run("verify", "--data", restored).returncode == 0
        server.kill(signal.SIGTERM)
        server.data = restored
        server.start()
        assert server.get("/v1/status").json()["epoch"] != epoch
        assert server.post_lines([report(n) for n in range(300)]).json()["counts"]["replayed"] == 300
        assert server.post(report("later")).status == 201


def test_backup_of_a_stopped_directory():
    with Gridd() as server:
        server.post_lines([report(n) for n in range(50)])
        server.kill(signal.SIGTERM)
        backup = server.directory / "backup"
        assert run("backup", "--data", server.data, "--to", backup).returncode == 0
        assert run("verify", "--data", backup).returncode == 0


def flip_a_bit(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def test_verify_names_damage():
    with Gridd("--limit", "run_entries=400", "--limit", "block_entries=256", "--limit", "identities=2048") as server:
        for start in range(0, 3000, 250):
            server.post_lines([report(n) for n in range(start, start + 250)])
        server.kill(signal.SIGTERM)
        assert run("verify", "--data", server.data).returncode == 0
        files = sorted(p for p in server.data.rglob("*.sst"))
        assert files
        for path in files:
            copy = server.directory / "copy"
            shutil.copytree(server.data, copy, ignore=shutil.ignore_patterns("*.sock"))
            target = copy / path.relative_to(server.data)
            flip_a_bit(target, os.path.getsize(target) // 3)
            assert run("verify", "--data", copy).returncode == 1, path
            shutil.rmtree(copy)


def test_a_torn_manifest_is_refused_and_repaired():
    with Gridd() as server:
        refused(run("repair", "--data", server.data), 1)  # it is open
        server.post_lines([report(n) for n in range(100)])
        server.kill()
        assert "nothing was changed" in run("repair", "--data", server.data).stdout
        manifest = next(server.data.glob("MANIFEST-*"))
        whole = manifest.read_bytes()
        record = b"\x01\x02\x03\x04" + b"\x14\x00" + b"\x01"  # checksum, 20 bytes, a full fragment
        manifest.write_bytes(whole + record + bytes(20))
        assert "MANIFEST" in refused(run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--data", server.data), 1)
        repaired = run("repair", "--data", server.data)
        assert repaired.returncode == 0 and f"torn-{manifest.name}" in repaired.stdout
        assert manifest.read_bytes() == whole and (server.data / f"torn-{manifest.name}").stat().st_size == len(whole) + 27
        assert run("verify", "--data", server.data).returncode == 0
        server.start()
        assert len(server.timeline("c")) >= 100


def test_a_removed_watermark_is_refused_by_name():
    with Gridd() as server:
        server.post_lines([report(n) for n in range(30)])
        backup = server.directory / "backup"
        assert run("backup", "--data", server.data, "--to", backup).returncode == 0
        server.kill(signal.SIGTERM)
        # With the end of the log gone there is nothing else that could tell.
        max(server.data.rglob("*.log"), key=lambda log: int(log.stem)).unlink()
        (server.data / "ack.hwm").unlink()
        flags = ("--no-auth", "--listen", "127.0.0.1:0", "--data", server.data)
        assert f"{server.data}/ack.hwm is missing" in refused(run("serve", *flags), 1)
        assert "ack.hwm" in refused(run("verify", "--data", server.data), 1)
        # The ways out that the message names.
        restored = server.directory / "restored"
        assert run("restore", "--from", backup, "--to", restored).returncode == 0
        server.data = restored
        server.start()
        assert len(server.timeline("c")) == 30


def test_a_lost_log_is_refused_loudly():
    with Gridd() as server:
        server.post_lines([report(n) for n in range(100)])
        server.kill(signal.SIGTERM)
        for log in server.data.rglob("*.log"):
            log.unlink()
        for sst in server.data.rglob("*.sst"):
            sst.unlink()
        message = refused(run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--data", server.data), 1)
        assert str(server.data) in message and "100 was acknowledged" in message
        # Only the exact number of what is left accepts the loss.
        flags = ("--no-auth", "--listen", "127.0.0.1:0", "--data", server.data)
        refused(run("serve", *flags, "--accept-loss-after", "7"), 1)
        server.flags += ["--accept-loss-after", "0"]
        server.start()
        assert server.put_regions(REGIONS).status == 200
        assert server.post_lines([report(n) for n in range(100)]).json()["counts"]["created"] == 100
