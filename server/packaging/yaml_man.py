#!/usr/bin/env python3
"""gridd.yaml(5) out of server/gridd.yaml, which says what every key means: yaml_man.py IN OUT."""
import re
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def items(lines):
    """(indent, key, default, words) of each key; the comment right above it is its text."""
    words = []
    for line in lines:
        stripped = line.strip()
        found = re.match(r"( *)(\w+):(?: (.*))?$", line)
        if stripped.startswith("#"):
            words.append(stripped.lstrip("# "))
        elif found:
            yield len(found.group(1)), found.group(2), found.group(3), words
            words = []
        elif stripped == "":
            words = []


def main():
    lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
    out = [".Dd November 24, 2026", ".Dt GRIDD.YAML 5", ".Os", ".Sh NAME", ".Nm gridd.yaml", ".Nd configuration of gridd",
           ".Sh DESCRIPTION", "One YAML document.", "A file needs only the keys it changes; an unknown key or a bad value stops the start and names the line.",
           "Numbers are whole and decimal; sizes may carry KiB, MiB or GiB.", "Flags of", ".Xr gridd 1", "win over the file.", ".Sh KEYS", ".Bl -tag -width Ds"]
    count = 0
    for indent, key, default, words in items(lines):
        if default is None:
            out += [".El", ".Sh LIMITS", "Keys below", f".Cm {key} .", ".Bl -tag -width Ds"]
            continue
        count += 1
        shown = "empty" if default == "''" else default
        out.append(f".It Cm {key}")
        text = " ".join(words)
        text = text[:1].upper() + text[1:]
        out += [escape(sentence) for sentence in re.split(r"(?<=[.:]) +(?=[A-Z0-9])", text) if sentence]
        out.append(escape(f"Default: {shown}."))
    out += [".El", ".Sh FILES", ".Pa /etc/gridd/gridd.yaml", ".Sh SEE ALSO", ".Xr gridd 1"]
    if count < 50:
        sys.exit("yaml_man: fewer than 50 keys found")
    open(sys.argv[2], "w", encoding="utf-8").write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
