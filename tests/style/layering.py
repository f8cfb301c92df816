#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks all includes against the two tables in core/README.md.

usage: layering.py ROOT
"""
import fnmatch
import os
import re
import sys

import sources

C_HEADERS = set("assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp "
                "signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn "
                "string tgmath threads time uchar wchar wctype".split())
CXX_HEADERS = set("atomic csetjmp cstdarg cstddef cstdint cstring exception memory mutex new optional stdexcept string string_view "
                  "type_traits utility vector".split())
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_tables(root):
    """Folder -> folders that it may include; header or its folder -> places that may include it."""
    folders, headers = {}, {}
    table = None
    for line in sources.read(root, "core/README.md").split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| folder"):
            table = folders
        elif line.startswith("| header"):
            table = headers
        elif not line.startswith("|"):
            table = None
        elif table is not None and cells[0].startswith("`"):
            table[cells[0].strip("`")] = re.findall(r"`([^`]+)`", cells[-1])
    return folders, headers


def folder_of(path):
    """core/X, plugins/X or sdk."""
    parts = path.split("/")
    return parts[0] if parts[0] == "sdk" else "/".join(parts[:2])


def is_below(path, place):
    return fnmatch.fnmatch(path, place) or path.startswith(place + "/")


def check_library(path, header, headers):
    for name, places in headers.items():
        is_it = header == name or (name.endswith("/") and header.startswith(name))
        if is_it and not any(is_below(path, place) for place in places):
            yield f"<{header}> may be included in {', '.join(places)} only"


def check_sdk(path, header):
    if path.startswith("sdk/template/") and header == "cmocka.h":
        return # the tests of somebody's plugin
    stem = header[:-2] if header.endswith(".h") else header
    is_cxx = path.endswith((".hpp", ".cc")) and header in CXX_HEADERS
    if stem not in C_HEADERS and not is_cxx and not header.startswith("opstream/"):
        yield f"sdk includes standard headers only, not '{header}'"


def check_plugin(root, path, header):
    is_own = os.path.exists(os.path.join(root, folder_of(path), header)) and ".." not in header
    is_shared = header.startswith(("service/", "message/", "private/")) and ".." not in header
    if not header.startswith("opstream/") and not is_own and not is_shared:
        yield f"a plugin includes sdk, plugins/service, plugins/message, plugins/private and its own folder only, not '{header}'"


def check_core(path, header, folders):
    own = folder_of(path)
    if own not in folders:
        yield f"'{own}' is not in the table of core/README.md"
        return
    target = "sdk" if header.startswith("opstream/") else folder_of(header)
    if not header.startswith(("core/", "opstream/")):
        yield f"'{header}' is not written from the top of the tree, or is not core's to include"
    elif target != own and target not in folders[own]:
        yield f"{own} may not include {target} ('{header}')"


def check_include(root, path, kind, header, tables):
    folders, headers = tables
    yield from check_library(path, header, headers)
    if path.startswith("sdk/"):
        yield from check_sdk(path, header)
    elif path.startswith("plugins/") and (kind == '"' or header.startswith("core/")):
        yield from check_plugin(root, path, header)
    elif path.startswith("core/") and (kind == '"' or header.startswith(("core/", "opstream/"))):
        yield from check_core(path, header, folders)


def main():
    root = sys.argv[1]
    tables = read_tables(root)
    if not tables[0] or not tables[1]:
        print("core/README.md has lost its tables")
        return 1
    found = 0
    for path in sources.files(root, sources.is_code):
        if path.startswith(("tests/", "packaging/")):
            continue
        text = sources.without_comments(sources.read(root, path), keep_strings=True)
        for number, line in enumerate(text.split("\n"), 1):
            match = INCLUDE.match(line)
            for why in check_include(root, path, *match.groups(), tables) if match else ():
                print(f"{path}:{number}: {why}")
                found += 1
    return 1 if found > 0 else 0


sys.exit(main())
