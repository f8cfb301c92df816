#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes the headers in all the ways that break plugins, and looks whether layout.py notices each.

usage: plants.py COMPILER INCLUDE FOLDER
"""
import pathlib
import shutil
import sys
import tempfile

import layout

compiler, include, released = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

MINOR = ("abi.h", "#define OPS_ABI_MINOR 0u", "#define OPS_ABI_MINOR 1u")
VERSION = ("abi.h", '#define OPS_SDK_VERSION "', '#define OPS_SDK_VERSION "9')
LAST_OF_KV = "    ops_status (*abort)(void *h, ops_op op);\n} ops_if_kv;"
LATER = "    uint64_t later;\n"

# What is done, to which header, and what is said of it.
REFUSED = [
    ("a member in the middle", [("abi.h", "    uint32_t effect; ", LATER + "    uint32_t effect; ")],
     "ops_error: was 12 4 effect uint32_t"),
    ("two that change places", [("kv.h", "    ops_str key;\n", ""), ("kv.h", "    uint64_t version; /* for",
                                                                    "    ops_str key;\n    uint64_t version; /* for")],
     "ops_kv_req: was 8 16 key ops_str, is 8 16 value ops_str"),
    ("another type of the same size", [("timer.h", "int64_t (*unix_ms)", "uint64_t (*unix_ms)")],
     "ops_if_timer: was 32 8 unix_ms int64_t (*)(void *), is 32 8 unix_ms uint64_t (*)(void *)"),
    ("one more argument", [("job.h", "(*abort)(void *h, ops_op op)", "(*abort)(void *h, ops_op op, uint32_t how)")],
     "ops_if_job: was 16 8 abort"),
    ("an argument of a callback", [("timer.h", "ops_task task, ops_status status)", "ops_task task, int64_t status)")],
     "ops_timer_done: was void (*)(void *, ops_task, ops_status)"),
    ("another name", [("abi.h", "    uint32_t effect; ", "    uint32_t result; ")],
     "ops_error: was 12 4 effect uint32_t, is 12 4 result uint32_t"),
    ("a member that is gone", [("abi.h", "    uint32_t flags;          /* OPS_ERROR_* */\n", "")], "ops_error: was 100"),
    ("a table that is gone", [("log.h", "} ops_if_log;", "} ops_if_logs;")], "ops_if_log is gone"),
    ("another number", [("abi.h", "#define OPS_E_STALE        14", "#define OPS_E_STALE        24")],
     "OPS_E_STALE: was 14, is 24"),
    ("another id", [("log.h", '"ops.log"', '"ops.logs"')], 'OPS_IF_LOG: was "ops.log", is "ops.logs"'),
    ("growth of what cannot grow", [("abi.h", "    uint64_t n;\n} ops_str", "    uint64_t n;\n" + LATER + "} ops_str")],
     "ops_str must not grow"),
    ("growth and the same minor", [("kv.h", LAST_OF_KV, LAST_OF_KV.replace("} ops", LATER + "} ops"))],
     "something was appended, and OPS_ABI_MINOR is 0"),
    ("a new number and the same minor", [("kv.h", "#define OPS_KV_IF_ABSENT", "#define OPS_KV_NEW 4u\n#define OPS_KV_IF_ABSENT")],
     "something was appended, and OPS_ABI_MINOR is 0"),
    ("a hole", [MINOR, ("kv.h", LAST_OF_KV, LAST_OF_KV.replace("} ops", "    uint32_t later;\n} ops"))],
     "there is a hole at the end of ops_if_kv"),
    ("a type that is none", [MINOR, ("kv.h", LAST_OF_KV, LAST_OF_KV.replace("} ops", "    long later;\n} ops"))],
     " is no type of the interface (rule 3)"),
    ("a struct without size", [MINOR, ("kv.h", LAST_OF_KV, LAST_OF_KV + "\ntypedef struct ops_kv_new {\n" + LATER + "} ops_kv_new;")],
     "ops_kv_new does not begin with its size"),
    ("growth under the old version", [MINOR, ("kv.h", LAST_OF_KV, LAST_OF_KV.replace("} ops", LATER + "} ops"))],
     "the headers are not those of"),
]
APPENDED = [MINOR, VERSION, ("kv.h", LAST_OF_KV, LAST_OF_KV.replace("} ops", LATER + "} ops")),
            ("abi.h", "#define OPS_E_BUDGET       18", "#define OPS_E_LATER 19\n#define OPS_E_BUDGET       18")]


def faults_with(changes):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(include / "opstream", folder / "opstream")
        for file, old, new in changes:
            path = folder / "opstream" / file
            text = path.read_text()
            assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}: change plants.py with it"
            path.write_text(text.replace(old, new))
        return layout.check(layout.layout(compiler, str(folder)), released)[1]


for what, changes, expected in REFUSED:
    faults = faults_with(changes)
    if not any(expected in fault for fault in faults):
        sys.exit(f"{what}: not noticed as {expected!r}, but {faults}")
# only the new version's own file is missing
left = [fault for fault in faults_with(APPENDED) if "is not there" not in fault]
if left:
    sys.exit(f"appending is refused: {left}")
