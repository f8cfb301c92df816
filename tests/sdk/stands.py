#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks whether the tests that README.md names are there, and run: in a table of cases, or as tests of CMake.

usage: stands.py SOURCE_FOLDER
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
table = (root / "tests/sdk/README.md").read_text().split("## What a host of plugins must stand")[1]
rows = re.findall(r"^\| (\d*) \|[^|]*\|([^|]*)\|$", table, re.M)
sources = "".join(path.read_text() for pattern in ("tests/sdk/*.c", "tests/unit/**/*.c") for path in root.glob(pattern))
lists = (root / "tests/sdk/CMakeLists.txt").read_text()
faults = []
for number, shown in rows:
    names = re.findall(r"`(\w+)`", shown)
    if not names and "the process" not in shown:
        faults.append(f"row {number}: no test, and no word on the process")
    for name in names:
        is_case = re.search(rf"cmocka_unit_test\w*\(\s*{name}\b", sources)
        if not is_case and f"add_test(NAME {name} " not in lists:
            faults.append(f"row {number}: there is no test '{name}'")
numbers = [int(number) for number, _ in rows if number]
if numbers != list(range(1, 27)):
    faults.append(f"the rows are {numbers}")
if faults:
    sys.exit("\n".join(faults))
