#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the style rules of core/README.md that a program can check; README.md lists them.

usage: style.py ROOT
"""
import os
import re
import subprocess
import sys

import sources

LINES_OF_FUNCTION = 60
LINES_OF_FILE = 800
BANNED = {
    "strcpy": "strbuf or memcpy", "strcat": "strbuf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "atoi": "strtoll, with its end checked",
    "atol": "strtoll, with its end checked", "atof": "strtod, with its end checked",
    "strtok": "a struct str that is cut", "gets": "fgets", "alloca": "malloc or an arena",
}
VAGUE_NAMES = ("util", "utils", "misc", "common", "helper", "helpers")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
ARM = re.compile(r"\s*(case\b.*:|default:|break;|return\b[^;]*;)\s*$")


def check_format(root, paths):
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                             check=True).stdout
    if " 14." not in version:
        yield "clang-format", 1, f"needs version 14, this is: {version.strip()}"
        return
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=root,
                          capture_output=True, text=True, check=False)
    first = {}
    for path, line in re.findall(r"^(.+?):(\d+):\d+: error:", done.stderr, re.M):
        first.setdefault(path, int(line))
    for path, line in first.items():
        yield path, line, "not as clang-format writes it: run clang-format -i"


def check_banned(path, code):
    for number, line in enumerate(code.split("\n"), 1):
        for name in re.findall(r"\b([a-z]+)\s*\(", line):
            if name in BANNED:
                yield path, number, f"{name}() is banned: use {BANNED[name]}"
            if name == "exit" and not path.startswith(("tests/", "packaging/")) \
                    and os.path.basename(path) != "main.c":
                yield path, number, "exit() is banned below main(): return an error"


def counted(lines):
    """How many lines count: not the rows of a table, nor the arms of a flat switch."""
    count, in_table = 0, False
    for line in lines:
        if re.search(r"=\s*\{\s*$", line):
            in_table = True
        elif in_table:
            in_table = not re.match(r"\s*\};", line)
        elif not ARM.match(line):
            count += 1
    return count


def functions(root, paths):
    """Path, name, first and last line of each function; a macro may stand for a name."""
    done = subprocess.run(["ctags", "-L", "-", "--kinds-C=f", "--kinds-C++=f", "--fields=ne",
                           "-f", "-", "--sort=no"], cwd=root, input="\n".join(paths),
                          capture_output=True, text=True, check=True)
    for row in done.stdout.splitlines():
        fields = row.split("\t")
        found = dict(f.split(":", 1) for f in fields[3:] if ":" in f)
        if "end" in found:
            yield fields[1], fields[0], int(found["line"]), int(found["end"])


def check_functions(root, paths, code):
    for path, name, first, last in functions(root, paths):
        count = counted(code[path].split("\n")[first - 1:last])
        if count > LINES_OF_FUNCTION:
            yield path, first, f"{name}() has {count} lines, more than {LINES_OF_FUNCTION}"


def check_file(path, text):
    count = counted(text.split("\n")[:-1])
    if count > LINES_OF_FILE:
        yield path, 1, f"the file has {count} lines, more than {LINES_OF_FILE}"
    if not text.endswith("\n"):
        yield path, text.count("\n") + 1, "the last line does not end"
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem in VAGUE_NAMES:
        yield path, 1, f"'{stem}' says nothing: name the file after what it holds"
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield path, number, "unfinished: finish it or leave it out"


def check_comments(path, text):
    """A '//' that is left when strings and block comments are gone begins a line comment."""
    block = re.sub(r'/\*.*?\*/', lambda m: "\n" * m.group(0).count("\n"),
                   re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text), flags=re.DOTALL)
    for number, line in enumerate(block.split("\n"), 1):
        if "//" in line:
            yield path, number, "write comments as /* */"


def check_guard(path, text):
    if not path.endswith(".h") or not path.startswith(("core/", "tests/")):
        return
    guard = re.sub(r"[^A-Z0-9]", "_", path.upper())
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield path, 2, f"the header's guard is not {guard}"


def check_licence(path, text):
    lines = text.split("\n")
    line = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if "SPDX-License-Identifier: Apache-2.0" not in line:
        yield path, 1, "the first line is not the SPDX line"


def has_licence_line(root, path):
    if path.endswith((".c", ".h", ".cc", ".cmake", ".py", ".sh", "CMakeLists.txt")):
        return True
    with open(os.path.join(root, path), "rb") as file:
        return file.read(3) == b"#!/"


def faults(root):
    paths = sources.files(root, sources.is_code)
    code = {}
    if paths:
        yield from check_format(root, paths)
    for path in paths:
        text = sources.read(root, path)
        code[path] = sources.without_comments(text)
        yield from check_banned(path, code[path])
        yield from check_file(path, text)
        yield from check_comments(path, text)
        yield from check_guard(path, text)
    if paths:
        yield from check_functions(root, paths, code)
    for path in sources.files(root, lambda path: has_licence_line(root, path)):
        yield from check_licence(path, sources.read(root, path))


def main():
    found = 0
    for path, line, why in faults(sys.argv[1]):
        print(f"{path}:{line}: {why}")
        found += 1
    return 1 if found > 0 else 0


sys.exit(main())
