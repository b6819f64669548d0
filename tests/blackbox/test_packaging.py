"""The Debian package: its units, pages and files; unpacked and run; installed on a clean root (GRIDD_DEB names it: ./run package)."""
import gzip
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from gridd import BIN, Gridd, report

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "server/packaging"
DEB = os.environ.get("GRIDD_DEB")
needs_deb = pytest.mark.skipif(not DEB, reason="SKIPPED: GRIDD_DEB names no package; ./run package makes one")
EXPOSURE_MAX = 1.5


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"SKIPPED: there is no {tool}")


def told(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, check=False, **more)


@needs("systemd-analyze")
def test_the_unit_is_hardened():
    unit = PACKAGING / "gridd.service"
    done = told("systemd-analyze", "security", "--offline=true", unit)
    line = [line for line in done.stdout.splitlines() if "Overall exposure level" in line]
    assert line, done
    assert float(line[0].split(":")[1].split()[0]) <= EXPOSURE_MAX, done.stdout


@needs("mandoc")
def test_the_manual_pages_are_clean(tmp_path):
    made = tmp_path / "gridd.yaml.5"
    assert told("/usr/bin/python3", PACKAGING / "yaml_man.py", ROOT / "server/gridd.yaml", made).returncode == 0
    for page in (PACKAGING / "gridd.1", made):
        done = told("mandoc", "-T", "lint", "-W", "warning", page)
        assert done.returncode == 0, done.stdout
    text = re.sub(".\b", "", told("mandoc", "-T", "utf8", PACKAGING / "gridd.1").stdout)  # bold is struck twice
    for line in told(BIN, "help").stdout.splitlines():
        if line.startswith("  ") and not line.startswith("  help"):
            assert line.split()[0] in text, line


def test_the_shipped_configuration_is_right():
    done = told(BIN, "serve", "--config", PACKAGING / "gridd.yaml", "--check-config")
    assert done.returncode == 0, done.stderr


def unpack(to):
    assert told("dpkg-deb", "-x", DEB, to).returncode == 0
    return to


@needs_deb
def test_the_package_names_what_it_needs():
    fields = told("dpkg-deb", "-f", DEB).stdout
    depends = next(line for line in fields.splitlines() if line.startswith("Depends:"))
    for library in ("librocksdb7.8", "libuv1", "libssl3", "libjemalloc2", "libc6", "libcyaml1", "libxxhash0"):
        assert library in depends, depends
    assert "/etc/gridd/gridd.yaml" in told("dpkg-deb", "-I", DEB, "conffiles").stdout


@needs_deb
@needs("lintian")
def test_lintian_finds_no_error():
    done = told("lintian", "--fail-on", "error", "--allow-root", DEB)
    print(done.stdout)
    assert done.returncode == 0, done.stdout


@needs_deb
def test_the_unpacked_program_runs_as_the_unit_runs_it(tmp_path):
    root = unpack(tmp_path / "root")
    unit = (root / "usr/lib/systemd/system/gridd.service").read_text()
    command = next(line.split("=", 1)[1] for line in unit.splitlines() if line.startswith("ExecStart=")).split()
    program = root / command[0].lstrip("/")
    assert told("readelf", "-d", program).stdout.count("RPATH") == told("readelf", "-d", program).stdout.count("RUNPATH") == 0
    assert told("/usr/bin/python3", ROOT / "tests/lint/hardening.py", ROOT, BIN).returncode == 0
    config = root / command[-1].lstrip("/")
    admin = tmp_path / "a.sock"
    text = config.read_text().replace("/var/lib/gridd", str(tmp_path / "data")).replace("/run/gridd/admin.sock", str(admin))
    config.write_text(text)
    with Gridd(start=False) as server:
        server.command = lambda: [str(program), *command[1:-1], str(config), "--no-auth", "--listen", "127.0.0.1:0"]
        server.start()
        assert server.put_regions("code,parent,level,name\nc,,0,City\ng1,c,1,Grid\n").status == 200
        assert server.post(report(1)).status == 201 and admin.exists()
        assert server.kill(signal.SIGTERM) == 0
    for page in ("man1/gridd.1.gz", "man5/gridd.yaml.5.gz"):
        assert gzip.decompress((root / "usr/share/man" / page).read_bytes()).startswith(b".Dd")
    for name in ("policy.yaml", "calendar-cn.yaml", "gridd.yaml", "copyright"):
        assert (root / "usr/share/doc/gridd" / name).stat().st_size > 500
    policy, calendar = (root / "usr/share/doc/gridd" / name for name in ("policy.yaml", "calendar-cn.yaml"))
    assert told(program, "serve", "--policy", policy, "--calendar", calendar, "--check-config").returncode == 0


def in_root(root, script):
    done = told("chroot", root, "bash", "-ec", script, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_deb
@needs("debootstrap")
@pytest.mark.skipif(os.getuid() != 0, reason="SKIPPED: only root makes a clean root")
def test_it_installs_and_serves_on_a_clean_root(tmp_path):
    root = tmp_path / "clean"
    made = told("debootstrap", "--variant=minbase", "bookworm", root)
    if made.returncode != 0:
        pytest.skip("SKIPPED: debootstrap: " + (made.stdout + made.stderr)[-300:])
    for path in ("etc/apt/sources.list", "etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/resolv.conf"):
        source, to = pathlib.Path("/") / path, root / path
        to.unlink(missing_ok=True) if not to.is_dir() else shutil.rmtree(to)
        if source.is_dir():
            shutil.copytree(source, to)
        elif source.exists():
            shutil.copy(source, to)
    shutil.copy(DEB, root / "gridd.deb")
    in_root(root, "apt-get update -qq && apt-get install -y -qq --no-install-recommends /gridd.deb util-linux")
    in_root(root, "id gridd; test $(stat -c %U:%a /var/lib/gridd) = gridd:700; install -d -o gridd /run/gridd")
    token = in_root(root, "runuser -u gridd -- gridd init --data /var/lib/gridd").strip()
    assert token.startswith("gd_human_") or token.startswith("gd_service_"), token
    words = ["chroot", str(root), "runuser", "-u", "gridd", "--", "gridd", "serve", "--sysexits", "--config", "/etc/gridd/gridd.yaml",
             "--listen", "127.0.0.1:0"]
    with open(tmp_path / "log", "wb") as log, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        line = process.stdout.readline()
        assert line.startswith("gridd: listening on"), (tmp_path / "log").read_text()
        url = line.split()[-1]
        asked = told(BIN, "token", "list", "--url", url, env={"GRIDD_TOKEN": token})
        assert asked.returncode == 0 and '"items"' in asked.stdout, asked
        child = told("pgrep", "-P", process.pid).stdout.split() or [str(process.pid)]
        os.kill(int(child[0]), signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert "no damage found" in in_root(root, "runuser -u gridd -- gridd verify --data /var/lib/gridd")
    in_root(root, "apt-get purge -y -qq gridd && test -d /var/lib/gridd && ! test -e /usr/bin/gridd")
    shutil.rmtree(root)  # some hundred MiB
