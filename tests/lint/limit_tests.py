#!/usr/bin/env python3
"""Every limit of core/limits.h is set by a test: a limit that no test ever reached is a guess."""
import pathlib
import re
import sys

# These only read names and values; they reach no limit.
READERS = {"test_config.c", "test_cli.c"}


def is_set(name, path, text):
    if path.suffix == ".py":
        return re.search(rf'"{name}=|limited\([^)]*\b{name}=', text)
    return re.search(rf"limits(\.|->){name}\b", text)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    table = (root / "core/limits.h").read_text().split("struct limits {")[0]
    names = re.findall(r"^ +X\((\w+),", table, re.M)
    if len(names) < 20:
        sys.exit("limit_tests: fewer than 20 limits found: nothing was measured")
    files = [path for folder in ("unit", "blackbox") for path in sorted((root / "tests" / folder).iterdir())
             if path.suffix in (".c", ".h", ".py") and path.name not in READERS]
    texts = [(path, path.read_text()) for path in files]
    bare = [name for name in names if not any(is_set(name, path, text) for path, text in texts)]
    print(f"limit_tests: {len(names)} limits, {len(files)} files, {len(bare)} limits that no test sets")
    for name in bare:
        print(f"core/limits.h: {name}: write a test at the limit, below and above it")
    sys.exit(1 if bare else 0)


if __name__ == "__main__":
    main()
