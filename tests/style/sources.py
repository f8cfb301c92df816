# SPDX-License-Identifier: Apache-2.0
"""The source files of a tree, and their text without comments and strings."""
import os
import re

FOLDERS = ("core", "sdk", "plugins", "tests", "packaging", "config")


def files(root, wanted):
    """Paths below `root`, relative to it and sorted, for which `wanted(path)` is true."""
    found = []
    for folder in FOLDERS:
        for at, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__")))
            paths = (os.path.relpath(os.path.join(at, name), root) for name in names)
            found += [path for path in paths if wanted(path)]
    return sorted(found)


def is_code(path):
    return path.endswith((".c", ".h", ".cc", ".hpp"))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without_comments(text, keep_strings=False):
    """The text with comments (and strings) blanked, lines in their places."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token if keep_strings else token[0] * 2
        return "\n" * token.count("\n") or " "
    return TOKEN.sub(blank, text)
