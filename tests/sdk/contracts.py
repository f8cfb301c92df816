#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every function in the headers says on which threads it runs, and every host function what it refuses.

usage: contracts.py INCLUDE
"""
import pathlib
import re
import sys

TAG = re.compile(r"\[(control|strand|any-thread(, files)?)\]|as \[any-thread\]")
TOKEN = re.compile(r"/\*.*?\*/|\btypedef struct (ops_\w+) \{|\} ops_\w+;|[^;{}/]*\(\*(\w+)\)\([^;]*\);|[^;{}/]*;", re.S)


def untagged(text):
    """The functions and callbacks whose comment has no tag. Those without one share that of the one before."""
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
    table, comment, found = None, "", []
    for token in TOKEN.finditer(text):
        words = token[0]
        if words.startswith("/*"):
            # one that stands behind a member on its line is the member's
            behind = text[text.rfind("\n", 0, token.start()) + 1:token.start()].strip()
            comment = comment if behind else words
        elif token[1]:
            table, comment = token[1], ""
        elif words.startswith("}"):
            table = None
        elif token[2] and not TAG.search(comment):
            found.append(f"{table + '.' if table else ''}{token[2]}")
        elif not token[2]:
            comment = ""
    return found


def main():
    folder = pathlib.Path(sys.argv[1]) / "opstream"
    good = "typedef struct ops_t {\n    /* [strand] A. */\n    void (*a)(void);\n    void (*b)(void);\n} ops_t;\n"
    assert untagged(good) == [] and untagged(good.replace("[strand] ", "")) == ["ops_t.a", "ops_t.b"], "the test itself"
    assert untagged("/* A. */\ntypedef void (*ops_x)(void *user);\n") == ["ops_x"], "the test itself"
    faults = [f"{path.name}: {name} does not say on which threads it runs"
              for path in sorted(folder.glob("*.h")) if path.name not in ("sdk.h", "test.h")
              for name in untagged(path.read_text())]
    if faults:
        sys.exit("\n".join(faults))


main()
