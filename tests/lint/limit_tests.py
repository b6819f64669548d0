#!/usr/bin/env python3
"""Every limit of core/limits.h is tried by a test: below it, at it, above it.

A size or a count is tried at limit - 1, limit and limit + 1: by EACH_AROUND or EACH_LIMIT_AROUND of
unit/support_limits.h, or around() of blackbox/test_limits.py. These take the value from the limits that are in force and
name it, which is what is looked for here. A limit of time is only reached: a test sets it small; that things pass before
it is what all tests with its default show. No test asserts how long something took.
"""
import pathlib
import re
import sys

# These only read names and values; they reach no limit.
READERS = {"test_config.c", "test_cli.c", "support_limits.h"}
# A rate needs time to be missed, so it counts as a time.
RATES = {"body_rate_bytes"}

TRIED_C = re.compile(r"\bEACH_AROUND\(\s*\w+,[^,;{]+,\s*(\w+)\)|\bEACH_LIMIT_AROUND\(\s*[^,;{]+,\s*(\w+),")
TRIED_PY = re.compile(r'\baround\(\w+, "(\w+)"\)')


def is_time(name):
    return name.endswith(("_ms", "_per_s")) or name in RATES


def tried_in(path, text):
    """Names tried at three values."""
    if path.suffix == ".py":
        return set(TRIED_PY.findall(text))
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("/*", "*", "//")))
    return {a or b for a, b in TRIED_C.findall(code)}


def is_set(name, path, text):
    if path.suffix == ".py":
        return re.search(rf'"{name}=|limited\([^)]*\b{name}=', text)
    return re.search(rf"limits(\.|->){name}\b", text)


def problems_of(names, files):
    """`files`: pairs of path and text."""
    tried = set().union(*(tried_in(path, text) for path, text in files))
    for name in sorted(tried - set(names)):
        yield f"{name}: tried by a test, but no limit"
    for name in names:
        if is_time(name):
            if not any(is_set(name, path, text) for path, text in files):
                yield f"{name}: no test sets this limit of time"
        elif name not in tried:
            yield f"{name}: no test tries it one below, at and one above (EACH_AROUND, around)"


def check_self():
    """A lint that finds nothing in the wrong is worth nothing."""
    wrong = [(pathlib.Path("test_x.c"), "  /* EACH_AROUND(n, limits, a) */\n limits.a = 4; limits.b_ms = 1;\n"
                                        "EACH_AROUND(n, fix.limits, c) {} EACH_LIMIT_AROUND(limits, d, 1 << 4) {}"),
             (pathlib.Path("test_x.py"), 'with limited(e=3) as s: around(s, "f")\n"g_ms=4"')]
    found = [line.split(":")[0] for line in problems_of(["a", "b_ms", "c", "d", "e", "f", "g_ms", "h_ms"], wrong)]
    if found != ["a", "e", "h_ms"]:
        sys.exit(f"limit_tests: does not find what is wrong: {found}")


def main():
    check_self()
    root = pathlib.Path(sys.argv[1]).resolve()
    table = (root / "core/limits.h").read_text().split("struct limits {")[0]
    names = re.findall(r"^ +X\((\w+),", table, re.M)
    if len(names) < 20:
        sys.exit("limit_tests: fewer than 20 limits found: nothing was measured")
    files = [(path, path.read_text()) for folder in ("unit", "blackbox")
             for path in sorted((root / "tests" / folder).iterdir())
             if path.suffix in (".c", ".h", ".py") and path.name not in READERS]
    problems = list(problems_of(names, files))
    times = sum(map(is_time, names))
    print(f"limit_tests: {len(names) - times} sizes and counts, {times} times, {len(files)} files, {len(problems)} problems")
    for problem in problems:
        print(f"core/limits.h: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
