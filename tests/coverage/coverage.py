#!/usr/bin/env python3
"""Which lines of the parsers the unit tests and the fuzz targets' seeds run.

usage: coverage.py BIN_DIRECTORY [--missing FILE ...]

Every file that reads bytes of others is in PARSERS; below LINES_MIN percent of all their lines, or
LINES_MIN_EACH of those of one: exit 1.
--missing prints the lines of files that did not run. With --tests prints the programs it needs.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Of all parsers together, and of each by itself: what is left are failing allocations and files.
LINES_MIN = 95.0
LINES_MIN_EACH = 88.0

# Folder: files that read what others wrote. What storage does with files as such (manifest.c, watermark.c) is left to
# the tests of failing disks.
PARSERS = {
    "core/text": "json json_number json_string csv utf8 instant",
    "core/report": "record report report_fields report_observation report_parts report_problem",
    "core/region": "region_csv region_fields region_json region_row",
    "core/incident": "incident_row member_row",
    "core/ticket": "clock_row directive_row joint stage ticket_row",
    "core/time": "deadline",
    "server/http": "http_body http_chunks http_guard http_headers http_parser http_path lines",
    "server/feed": "feed_request",
    "server/auth": "keys token_row token_text",
    "server/api": "body body_values command_fields cursor region_upload stats_key stats_query timeline_query",
    "server/rules": "calendar_file calendar_words policy_clocks policy_file policy_sections policy_yaml yaml_file "
                    "yaml_outline",
    "server/process": "config config_value",
    "server/replay": "input",
    "storage": "block log_fragment manifest_edit region_chunk timeline_row wal_audit",
}

# The parsers' own unit tests; what others run by the way does not count.
TESTS = """test_auth test_block test_body test_calendar_file test_change test_db test_http_server test_rules test_command_fields test_config test_csv test_cursor test_deadline
    test_directive test_feed_request test_http_body test_http_guard test_http_limits test_http_path test_incident_row
    test_instant test_joint test_json test_keys test_lines test_manifest test_policy_default test_policy_file
    test_policy_sections test_record test_region test_region_chunk test_region_rows test_region_upload
    test_replay_input test_report test_report_observation test_stage test_stats_key test_stats_query test_ticket
    test_ticket_row test_timeline test_token_text test_wal_audit test_watermark""".split()


def tool(name):
    found = shutil.which(name) or shutil.which(f"{name}-14")
    if found is None:
        sys.exit(f"coverage: {name} is missing: apt-get install llvm")
    return found


def run(command, profiles):
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(profiles / f"{pathlib.Path(command[0]).name}.profraw"))
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, timeout=600)
    if done.returncode != 0:
        sys.exit(f"coverage: {' '.join(command)} fails:\n{done.stdout[-2000:]}")


def run_all(binaries, source, profiles):
    targets = sorted(path.stem for path in (source / "tests" / "fuzz").glob("fuzz_*.c"))
    for name in TESTS:
        run([str(binaries / name)], profiles)
    for name in targets:
        run([str(binaries / name), str(source / "tests" / "fuzz" / "seeds" / name)], profiles)
    merged = profiles / "all.profdata"
    raw = sorted(str(path) for path in profiles.glob("*.profraw"))
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", str(merged), *raw], check=True)
    objects = [word for name in TESTS + targets for word in ("-object", str(binaries / name))]
    return merged, objects[1:]


def show_missing(command, source, names):
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    name = None
    for line in shown.splitlines():
        if re.fullmatch(r"/.*:", line):
            name = os.path.relpath(os.path.normpath(line[:-1]), source)
        elif name in names and re.match(r" *\d+\| +0\|", line):
            print(f"{name}:{line}")


def main():
    source = pathlib.Path(__file__).resolve().parents[2]
    if "--tests" in sys.argv:
        print(" ".join(TESTS))
        return
    binaries = pathlib.Path(sys.argv[1]).resolve()
    wanted = [f"{folder}/{name}.c" for folder, names in PARSERS.items() for name in names.split()]
    for name in wanted:
        if not (source / name).exists():
            sys.exit(f"coverage: {name} is no file")
    with tempfile.TemporaryDirectory() as directory:
        merged, objects = run_all(binaries, source, pathlib.Path(directory))
        cov = [tool("llvm-cov")]
        if "--missing" in sys.argv:
            show_missing([*cov, "show", "-instr-profile", str(merged), *objects], source,
                         sys.argv[sys.argv.index("--missing") + 1:])
            return
        exported = subprocess.run([*cov, "export", "-summary-only", "-instr-profile", str(merged), *objects],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
    # As the compiler was told them: below the build directory.
    lines = {os.path.normpath(binaries.parent / entry["filename"]): entry["summary"]["lines"]
             for entry in json.loads(exported)["data"][0]["files"]}
    low, covered, count = [], 0, 0
    for name in wanted:
        file = lines.get(str(source / name), {"count": 0, "covered": 0})
        percent = 100.0 * file["covered"] / file["count"] if file["count"] > 0 else 0.0
        covered, count = covered + file["covered"], count + file["count"]
        low += [name] if percent < LINES_MIN_EACH else []
        print(f"{percent:6.1f} % of {file['count']:4} lines  {name}{'  TOO LOW' if percent < LINES_MIN_EACH else ''}")
    all_percent = 100.0 * covered / max(count, 1)
    print(f"coverage: {all_percent:.1f} % of {count} lines of {len(wanted)} parsers, at least {LINES_MIN:.0f} %; "
          f"{len(low)} below {LINES_MIN_EACH:.0f} %")
    sys.exit(1 if low or all_percent < LINES_MIN else 0)


if __name__ == "__main__":
    main()
