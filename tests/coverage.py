#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py BUILD

What the tests reached of each folder, in a build with -DOPSTREAM_COVERAGE=ON after they ran: a table, and
BUILD/coverage/index.html with the lines. Processes that are killed, as the tests of crashes do, count
nothing."""

import collections
import json
import pathlib
import subprocess
import sys


def measure(source, build):
    """gcovr's summary, by files."""
    page = build / "coverage" / "index.html"
    page.parent.mkdir(exist_ok=True)
    done = subprocess.run(["gcovr", "--root", source, "--filter", f"{source}/(core|plugins)/", "--object-directory", build,
                           "--gcov-ignore-parse-errors", "--html-details", page,
                           "--json-summary", "-", build], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["files"], page


def folder_of(path):
    return "/".join(pathlib.PurePath(path).parts[:2])


def row(name, counts):
    lines, reached, branches, taken = counts
    return (f"{name:<20} {lines:>7} {100 * reached / max(lines, 1):>8.1f} % "
            f"{branches:>9} {100 * taken / max(branches, 1):>8.1f} %")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    files, page = measure(pathlib.Path(__file__).resolve().parents[1], build)
    if not files:
        sys.exit(f"{build}: nothing was counted; build with -DOPSTREAM_COVERAGE=ON and run the tests first")
    folders = collections.defaultdict(lambda: [0, 0, 0, 0])
    for one in files:
        counts = [one["line_total"], one["line_covered"], one["branch_total"], one["branch_covered"]]
        for name in (folder_of(one["filename"]), "all"):
            folders[name] = [a + b for a, b in zip(folders[name], counts)]
    print(f"{'folder':<20} {'lines':>7} {'reached':>10} {'branches':>9} {'taken':>10}")
    for name in sorted(folders, key=lambda name: (name == "all", name)):
        print(row(name, folders[name]))
    print(f"line by line: {page}")


if __name__ == "__main__":
    main()
