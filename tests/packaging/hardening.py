#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every program, module and plugin is built with the hardening that it should have.

usage: hardening.py FILE...
"""
import platform
import subprocess
import sys


def read(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True,
                          check=True).stdout


def faults(path):
    header, segments = read("-h", path), read("-l", path)
    dynamic, symbols = read("-d", path), read("--dyn-syms", path)
    stack = [line for line in segments.splitlines() if "GNU_STACK" in line]
    if "DYN (" not in header:
        yield "is not position-independent"
    if "GNU_RELRO" not in segments:
        yield "has no RELRO"
    if "NOW" not in dynamic:
        yield "binds its symbols late (no full RELRO)"
    if not stack or "RWE" in stack[0]:
        yield "has an executable stack"
    if any(" RWE " in line for line in segments.splitlines() if "LOAD" in line):
        yield "has memory that is writable and executable"
    if "RPATH" in dynamic:
        yield "has an RPATH"
    # The ELF mark of CET needs a C library that has it too; the landing pads are ours.
    if platform.machine() == "x86_64" and b"\xf3\x0f\x1e\xfa" not in open(path, "rb").read():
        yield "lacks CET"
    if "printf" in symbols and "printf_chk" not in symbols:
        yield "was built without _FORTIFY_SOURCE"


def main():
    found = 0
    for path in filter(None, sys.argv[1:]):
        for fault in faults(path):
            print(f"{path}: {fault}")
            found += 1
    if len(sys.argv) < 2:
        print("no files given")
    return 1 if found > 0 or len(sys.argv) < 2 else 0


sys.exit(main())
