#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of the packages, in other folders and at other times, give the same bytes.

usage: reproducible.py SOURCE
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77


def copy(source, folder):
    """Without git, and without what was built."""
    def leave_out(place, names):
        return [name for name in names if place == source and name.startswith((".git", "build"))]

    shutil.copytree(source, folder, symlinks=True, ignore=leave_out)


def build(folder):
    """What packaging/build-deb makes there: digests by name."""
    subprocess.run([f"{folder}/packaging/build-deb", "--no-install"], check=True,
                   stdout=subprocess.DEVNULL)
    digests = {}
    for name in sorted(os.listdir(f"{folder}/build-deb")):
        if name.endswith(".deb"):
            with open(f"{folder}/build-deb/{name}", "rb") as file:
                digests[name] = hashlib.sha256(file.read()).hexdigest()
    return digests


def main():
    if shutil.which("dh") is None:
        print("debhelper is missing: packaging/build-deb installs it")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        places = [f"{folder}/one", f"{folder}/another/place"]
        for place in places:  # first of all: the source may be at work
            copy(sys.argv[1], place)
        first, second = [build(place) for place in places]
    if len(first) < 2 or first != second:
        print(f"two builds differ, or made too little:\n{first}\n{second}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
