#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds an example with every compiler and linker that is here, plain and hardened, and runs and checks each file.

What differs is where they put the notes of a file: a hardened one has a note of the linker's own, aligned to 8 bytes; the
manifest's note may get into the same segment.

usage: toolchains.py SOURCE_FOLDER BUILD
"""
import json
import os
import pathlib
import platform
import shutil
import struct
import subprocess
import sys
import tempfile

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
PROGRAM = BUILD / "bin/opstream"
LIMIT_SECONDS = 60
PT_NOTE = 4
FLAGS = ["-O2", "-g", "-fPIC", "-fvisibility=hidden", "-shared", "-Wl,-z,defs", "-Wl,--build-id", f"-I{SOURCE}/sdk/include"]
# by the machine: what the compiler is told, and what only the linker of the GNU tools knows
HARDENED = {
    "x86_64": (["-fcf-protection=full"], ["-Wl,-z,ibt", "-Wl,-z,shstk"]),
    "aarch64": (["-mbranch-protection=standard"], ["-Wl,-z,force-bti"]),
}.get(platform.machine(), ([], []))


def aligned_to_8(file):
    """Whether it has a segment of notes that is."""
    data = file.read_bytes()
    at, = struct.unpack_from("=Q", data, 32)
    size, count = struct.unpack_from("=HH", data, 54)
    headers = [struct.unpack_from("=IIQQQQQQ", data, at + i * size) for i in range(count)]
    return any(header[0] == PT_NOTE and header[7] == 8 for header in headers)


def build(folder, compiler, linker, is_hardened, note_align):
    """The example in `folder`, or why it cannot be built so."""
    plugin = folder / "plugins/hello"
    plugin.mkdir(parents=True)
    example = SOURCE / "sdk/examples/hello"
    subprocess.run([BUILD / "tools/opstream-manifest-note", example / "manifest.json", folder, plugin / "plugin.json"],
                   check=True)
    note = folder / "note.c"
    note.write_text(note.read_text().replace(".balign 4", f".balign {note_align}"))
    hardened = HARDENED[0] + (HARDENED[1] if linker == "bfd" else []) if is_hardened else []
    return subprocess.run([compiler, f"-fuse-ld={linker}", *FLAGS, *hardened, "-include", folder / "crc.h", "-o",
                           plugin / "hello.so", example / "hello.c", note], capture_output=True, text=True, check=False)


def opstream(folder, *words):
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "OPSTREAM_STATE": str(folder / "state"),
           "OPSTREAM_PLUGIN_PATH": str(folder / "plugins")}
    return subprocess.run([PROGRAM, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT_SECONDS,
                          check=False)


def try_it(folder):
    """What is wrong with the file; None: it runs, and keeps the rules."""
    (folder / "p.json").write_text(json.dumps({"id": "p", "nodes": [{"id": "n", "type": "hello", "config": {"name": "you"}}]}))
    run = opstream(folder, "run", "p.json", "--json")
    if '"hello, you"' not in run.stdout:
        return run.stdout + run.stderr
    check = opstream(folder, "plugin", "check", "plugins/hello/hello.so", "--rule", "static", "--rule", "manifest")
    return None if check.returncode == 0 else check.stdout + check.stderr


def main():
    os.umask(0o022)
    good, faults, has_8 = 0, [], False
    for compiler in filter(shutil.which, ("gcc", "clang")):
        for linker in filter(lambda name: shutil.which(f"ld.{name}"), ("bfd", "gold", "lld")):
            for is_hardened, note_align in ((False, 4), (True, 4), (True, 8)):
                name = f"{compiler}, {linker}{', hardened' if is_hardened else ''}, manifest aligned to {note_align}"
                with tempfile.TemporaryDirectory() as path:
                    folder = pathlib.Path(path)
                    built = build(folder, compiler, linker, is_hardened, note_align)
                    fault = built.stderr if built.returncode != 0 else try_it(folder)
                    if fault is None:
                        good += 1
                        has_8 = has_8 or aligned_to_8(folder / "plugins/hello/hello.so")
                    else:
                        faults.append(f"{name}:\n{fault}")
                print(f"{name}: {'good' if fault is None else 'FAULTY'}")
    if not has_8:
        faults.append("no file has notes that are aligned to 8 bytes, so this shows less than it should")
    sys.exit("\n".join(faults) if faults else int(good == 0))


main()
