#!/usr/bin/env python3
"""House rules that a compiler does not know: banned calls, unfinished marks, function length."""
import pathlib
import re
import sys

BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(": "unbounded: use a sized call",
    r"\b(rand|srand|random)\s*\(": "not seeded by us",
    r"\b(TODO|FIXME|XXX|HACK)\b": "unfinished work is not committed",
}
CORE_BANNED = {
    r"\b(malloc|calloc|realloc|free)\s*\(": "core takes memory from its caller",
    r"\b(time|clock_gettime|gettimeofday|getenv|printf|fopen)\s*\(": "core has no clock and no I/O",
}
LINES_MAX = 100  # of one function
OVER_70_SHARE_MAX = 0.03  # nearly all are under 70


def functions(lines):
    """(name, first line, length) of each function definition; the house format makes this easy."""
    start = name = None
    for number, line in enumerate(lines, 1):
        if start is None and line.endswith("{") and not line.startswith((" ", "}", "#", "/")):
            head = " ".join(lines[max(0, number - 6):number])
            found = re.findall(r"(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\) \{$", head)
            if found and "=" not in line:
                start, name = number, found[-1]
        elif start is None and line.endswith(") {") and re.match(r"^ {5,}", line):
            start, name = number, "?"  # the arguments' second line
        elif start is not None and line == "}":
            yield name, start, number - start + 1
            start = None


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    broken, lengths = [], []
    for layer in ("core", "storage", "server", "bench"):
        for path in sorted((root / layer).rglob("*.[ch]")):
            name = path.relative_to(root).as_posix()
            lines = path.read_text().splitlines()
            rules = BANNED | CORE_BANNED if layer == "core" else BANNED
            for number, line in enumerate(lines, 1):
                if line.lstrip().startswith(("*", "/*", "//")):
                    continue
                for pattern, why in rules.items():
                    if re.search(pattern, line):
                        broken.append(f"{name}:{number}: {line.strip()[:60]}: {why}")
            text = "\n".join(lines)
            if "rocksdb_iter_valid" in text and "rocksdb_iter_get_error" not in text:
                broken.append(f"{name}: iterates without rocksdb_iter_get_error")
            for function, first, length in functions(lines):
                lengths.append(length)
                if length > LINES_MAX:
                    broken.append(f"{name}:{first}: {function} has {length} lines, at most {LINES_MAX}")
    if broken:
        print("\n".join(broken))
    if len(lengths) < 10:
        sys.exit("house_rules: fewer than 10 functions found: nothing was measured")
    over = sum(1 for length in lengths if length > 70)
    print(f"house_rules: {len(lengths)} functions, {over} over 70 lines, {len(broken)} broken")
    if over > OVER_70_SHARE_MAX * len(lengths):
        sys.exit("house_rules: too many functions over 70 lines")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
