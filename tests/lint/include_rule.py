#!/usr/bin/env python3
"""The layer rule: who may include what. Fails when a rule is broken, and when it measured nothing."""
import pathlib
import re
import sys

C_HEADERS = {"stdint.h", "stdbool.h", "stddef.h", "string.h", "limits.h", "inttypes.h"}
# (file pattern, header): why it is allowed all the same
ALLOWED = {
    (r"core/region/(geo|region_\w+)\.c", "math.h"): "sine, cosine and square root for positions; no I/O",
    (r"core/incident/(fire_shape|incident_(cells|fire|fold|match|near))\.c", "math.h"): "distances and angles on the ground; no I/O",
    (r"core/text/(json\w*|utf8)\.[ch]", "emmintrin.h"): "SSE2 scan of strings; intrinsics only",
}
LAYERS = {
    "core": {"own": {"core"}, "system": C_HEADERS | {"xxhash.h"}},
    "storage": {"own": {"core", "storage"}, "not": ("uv.h", "llhttp.h")},
    "server": {"own": {"core", "storage", "server"}, "not": ("rocksdb/c.h",)},
}
RESTRICTED = {  # header: files that may include it
    "rocksdb/c.h": re.compile(r"storage/store_rocks\w*\.[ch]$"),
    "llhttp.h": re.compile(r"server/http/http_\w+\.[ch]$"),
}


def refusal(name, quote, header):
    """Why this file may not include this header, or None."""
    layer = name.split("/")[0]
    rule = LAYERS[layer]
    if header in RESTRICTED and not RESTRICTED[header].search(name):
        return f"only {RESTRICTED[header].pattern} may include it"
    if quote == '"':
        return None if header.split("/")[0] in rule["own"] else f"{layer} may not include that layer"
    if header in rule.get("not", ()):
        return f"{layer} may not include it"
    if "system" in rule and header not in rule["system"]:
        if not any(re.fullmatch(p, name) and h == header for p, h in ALLOWED):
            return f"{layer} may include only C headers without I/O"
    return None


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    broken, includes, files = [], 0, 0
    for layer in LAYERS:
        paths = sorted((root / layer).rglob("*.[ch]"))
        if not paths:
            sys.exit(f"include_rule: no file in {layer}/: nothing was measured")
        for path in paths:
            files += 1
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
                if found:
                    includes += 1
                    why = refusal(name, found.group(1), found.group(2))
                    if why:
                        broken.append(f"{name}:{number}: {found.group(2)}: {why}")
    if broken:
        print("\n".join(broken))
    if includes < files:
        sys.exit(f"include_rule: only {includes} includes in {files} files: nothing was measured")
    print(f"include_rule: {includes} includes in {files} files, {len(broken)} broken")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
