#!/usr/bin/env python3
"""The program as it was linked: position independent, relocations read-only and bound at start, no
executable stack, stack protector and zeroed or patterned variables, branch tracking noted, no
search path of its own. Reads the file with readelf and objdump; GRIDD_BIN or the second argument.
"""
import pathlib
import re
import subprocess
import sys

MEMCHECK = "the memcheck preset: valgrind must see variables that nobody set"


def tool(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def problems_of(header, segments, dynamic, symbols, main_code):
    """What is missing, by what the tools printed."""
    if not re.search(r"Type:\s+DYN \(Position-Independent Executable", header):
        yield "it is no position-independent executable"
    if "GNU_RELRO" not in segments:
        yield "no RELRO: relocations stay writable"
    if not re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b|\(BIND_NOW\)", dynamic):
        yield "not BIND_NOW: relocations are resolved lazily"
    stack = re.search(r"GNU_STACK(?:\s+0x\w+){5}\s+(\w+)", segments)
    if stack is None or "E" in stack.group(1):
        yield "the stack is executable"
    for flags in re.findall(r"^\s+LOAD(?:\s+0x\w+){5}\s+([RWE ]+?)\s+0x", segments, re.M):
        if "W" in flags and "E" in flags:
            yield "a segment is writable and executable"
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "it has a search path of its own (RPATH)"
    # The CET note itself is only kept when every object has one, and glibc's start files of Debian 12 have none.
    if "x86-64" in header.lower() and "endbr64" not in main_code:
        yield "functions begin without endbr64 (-fcf-protection)"


def is_fortified(symbols):
    return "_chk@" in symbols.replace("__stack_chk_fail", "") or re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", ""))


def check_self():
    """A lint that finds nothing in the wrong is worth nothing: a file with none of it."""
    wrong = list(problems_of("Type:  EXEC (Executable file)\nMachine: Advanced Micro Devices X86-64",
                             "  LOAD 0x0 0x0 0x0 0x0 0x0 RWE 0x1000\n  GNU_STACK 0x0 0x0 0x0 0x0 0x0 RWE 0x10",
                             "(RUNPATH) Library runpath: [/tmp]", "", ""))
    if len(wrong) != 8:
        sys.exit(f"hardening: does not find what is wrong: {wrong}")


def main():
    check_self()
    program = pathlib.Path(sys.argv[2])
    cache = (program.resolve().parents[1] / "CMakeCache.txt").read_text()
    if "GRIDD_HARDEN:BOOL=OFF" in cache:
        print(f"hardening: off in {MEMCHECK}")
        return
    segments, symbols = tool("readelf", "-Wl", program), tool("readelf", "-W", "--dyn-syms", program)
    found = list(problems_of(tool("readelf", "-Wh", program), segments, tool("readelf", "-Wd", program), symbols,
                             tool("objdump", "-d", "--disassemble=main", program)))
    if "CMAKE_BUILD_TYPE:STRING=Release" in cache and re.search(r"GRIDD_SANITIZE:STRING=$", cache, re.M) and not is_fortified(symbols):
        found.append("_FORTIFY_SOURCE is not on")
    commands = (program.resolve().parents[1] / "compile_commands.json").read_text()
    if commands.count("-ftrivial-auto-var-init=") < commands.count("/server/process/serve.c"):
        found.append("variables are not initialised (-ftrivial-auto-var-init)")
    print(f"hardening: {program}: {len(segments.splitlines())} lines of segments, {len(found)} problems")
    for problem in found:
        print(f"{program}: {problem}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
