#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What abidiff says of the headers, against those of the versions in the museum; and of some that were changed.

usage: abidiff.py COMPILER INCLUDE MUSEUM
"""
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

import layout

SKIPPED = 77  # for ctest
BROKEN = 1 | 2 | 8  # it cannot tell, it was called wrong, or what is incompatible for sure

compiler, include, museum = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
if shutil.which("abidiff") is None or platform.machine() != "x86_64":
    print("there is no abidiff here (Debian: abigail-tools), or another machine than the museum's")
    sys.exit(SKIPPED)


def library(headers, folder):
    (folder / "interface.c").write_text(layout.source_of_types(str(headers))[1])
    layout.run(compiler, "-g", "-shared", "-fPIC", "-nostdlib", "-I", str(headers), "-o", str(folder / "interface.so"),
               str(folder / "interface.c"))
    return folder / "interface.so"


def differences(reference, found):
    """abidiff's code, and what it prints."""
    done = subprocess.run(["abidiff", reference, found], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return done.returncode, done.stdout


def changed(folder, file, old, new):
    shutil.copytree(include / "opstream", folder / "opstream")
    path = folder / "opstream" / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}: change abidiff.py with it"
    path.write_text(text.replace(old, new))
    return library(folder, folder)


def main():
    version = layout.rules.parse(layout.layout(compiler, str(include)))["const"]["OPS_SDK_VERSION"].strip('"')
    references = sorted(museum.glob("*/interface.so"))
    faults = []
    with tempfile.TemporaryDirectory() as name:
        now = library(include, pathlib.Path(name))
        for reference in references:
            code, text = differences(reference, now)
            print(f"{reference.parent.name}: {text or 'the same'}")
            if code & BROKEN or (code and reference.parent.name == version):
                faults.append(f"the headers are not those of {reference.parent.name} (abidiff: {code})")
    for file, old, new in [("abi.h", "    uint32_t effect; ", "    uint64_t effect; "),
                           ("timer.h", "int64_t (*unix_ms)", "double (*unix_ms)"),
                           ("log.h", "uint32_t level, ops_str message", "uint64_t level, ops_str message")]:
        with tempfile.TemporaryDirectory() as name:
            code, text = differences(references[-1], changed(pathlib.Path(name), file, old, new))
            if code == 0:
                faults.append(f"abidiff does not notice {new.strip()!r} in {file}: {text}")
    if not references:
        faults.append("the museum has no reference")
    if faults:
        sys.exit("\n".join(faults))


main()
