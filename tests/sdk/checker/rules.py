#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the checker by a plugin that breaks it, and no other; and the program's manners.

usage: rules.py OPSTREAM FAULTS BAD      (folders with NAME/fault/fault.so and NAME/bad/bad.so)
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

opstream, faults, bad = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
work = pathlib.Path(tempfile.mkdtemp(prefix="checker-"))
os.environ["TMPDIR"] = str(work)


def check(*arguments, code=None):
    run = subprocess.run([opstream, "plugin", "check", *map(str, arguments)], text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert code is None or run.returncode == code, (arguments, run.returncode, run.stdout, run.stderr)
    return run


def fault(name):
    return faults / name / "fault" / "fault.so"


def copy(name):
    """A copy of the good plugin, with its plugin.json, to do something to."""
    folder = work / name
    shutil.copytree(faults / "none" / "fault", folder)
    return folder / "fault.so"


def truncated():
    path = copy("truncated")
    path.write_bytes(path.read_bytes()[:8000])
    return path


def empty():
    path = copy("empty")
    path.write_bytes(b"")
    return path


def of_other_machine():
    path = copy("machine")
    content = bytearray(path.read_bytes())
    content[18:20] = b"\x28\x00"
    path.write_bytes(content)
    return path


def other_sidecar():
    path = copy("sidecar")
    sidecar = path.parent / "plugin.json"
    sidecar.write_bytes(sidecar.read_bytes().replace(b"1.0.0", b"1.0.1"))
    return path


def no_sidecar():
    path = copy("no_sidecar")
    (path.parent / "plugin.json").unlink()
    return path


# What is checked, the rule that it breaks, what is said, more arguments.
CASES = [
    (empty, "static.elf", "it is empty"),
    (truncated, "static.elf", "truncated"),
    (of_other_machine, "static.elf", "it is built for arm (machine 40)"),
    ("exports", "static.exports", "it exports 'opstream_fault_exported'"),
    ("entry_is_function", "static.exports", "is a function"),
    (bad / "symbol/bad/bad.so", "static.exports", "it does not export 'opstream_plugin_v1'"),
    ("unique", "static.unique", "'opstream_fault_unique'"),
    ("tls", "static.tls", "DF_STATIC_TLS"),
    ("textrel", "static.textrel", "DT_TEXTREL"),
    ("stack", "static.stack", "PT_GNU_STACK"),
    ("constructors", "static.constructors", "'fault_constructor' runs"),
    ("imports", "static.imports", "it uses 'chdir': the working folder"),
    ("none", "static.glibc", "it has to load with glibc 2.0", "--glibc", "2.0"),
    ("rpath", "static.rpath", "'/srv/somewhere'"),
    ("libraries", "static.libraries", "it needs 'libopstream_absent.so'"),
    (bad / "unresolved/bad/bad.so", "static.symbols", "'opstream_test_function_that_nobody_has'"),
    ("build_id", "static.build-id", "no note with a build id"),
    (bad / "no_manifest/bad/bad.so", "manifest.note", "it has no manifest"),
    (bad / "unknown_keys/bad/bad.so", "manifest.form", "unknown key 'nodse'"),
    (bad / "bad_schema/bad/bad.so", "manifest.form", "'strnig' is no type: did you mean 'string'?"),
    (other_sidecar, "manifest.sidecar", "they differ from byte"),
    (no_sidecar, "manifest.sidecar", "plugin.json"),
    (bad / "newer_epoch/bad/bad.so", "manifest.needs", "needs ABI epoch 2"),
    (bad / "newer_interface/bad/bad.so", "manifest.needs", "needs the interface 'ops.http' 4"),
]


def look_at(case):
    what, rule, words, *arguments = case
    path = what() if callable(what) else what if isinstance(what, pathlib.Path) else fault(what)
    junit = work / "junit.xml"
    run = check(path, "--json", "--junit", junit, *arguments)
    report = json.loads(run.stdout)
    rows = {row["id"]: row for row in report["rules"]}
    broken = [row["id"] for row in report["rules"] if row["outcome"] == "failed"]
    is_error = rows[rule]["severity"] == "error"
    assert broken == [rule], (path, broken, rows[rule])
    assert words in "\n".join(rows[rule]["findings"]), (path, rows[rule])
    assert run.returncode == (1 if is_error else 0) and report["good"] is not is_error, (path, run)

    suite = ElementTree.parse(junit).getroot().find("testsuite")
    failed = [one.get("name") for one in suite.findall("testcase") if one.find("failure") is not None]
    assert failed == ([rule] if is_error else []), (path, failed)
    assert int(suite.get("failures")) == len(failed), path
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == len(rows), path
    assert int(suite.get("skipped")) == sum(row["outcome"] == "skipped" for row in rows.values()), path
    return rule


def all_rules():
    lines = check("--list-rules", code=0).stdout.splitlines()
    return [line.split()[0] for line in lines]


def manners(rules):
    good = fault("none")
    text = check(good, code=0)
    assert "0 failed" in text.stdout, text.stdout
    text = check(good, "--rule", "manifest", "--rule", "static.elf", code=0).stdout
    assert "static.elf" in text and "static.tls" not in text, text
    broken = check(fault("imports"), "--rule", "static.imports", code=1).stdout
    assert "FAILED   static.imports" in broken and "--explain static.imports" in broken, broken
    assert check(fault("imports"), "--rule", "static.tls", code=0)
    for rule in rules:
        told = check("--explain", rule, code=0).stdout
        assert told.startswith(rule) and "Why: " in told and "What to do: " in told, told
        assert all(len(line) <= 81 for line in told.splitlines()), told
    for arguments, words in [
            ((), "name the plugin's file"),
            ((good, "--rule", "static.nothing"), "there is no rule 'static.nothing'"),
            (("--explain", "x"), "there is no rule 'x'"),
            ((good, "--timeout", "0"), "--timeout is"),
            ((good, "--glibc", "2"), "--glibc is like"),
            ((work / "absent.so",), "cannot read"),
            ((work,), "is no regular file"),
            ((good, "--jsno"), "did you mean '--json'?")]:
        run = check(*arguments, code=2)
        assert words in run.stderr and "opstream help plugin check" in run.stderr, (arguments, run)
        assert run.stdout == "", run


try:
    every = all_rules()
    covered = {look_at(case) for case in CASES}
    assert covered == set(every), f"no bad plugin for {set(every) - covered}"
    manners(every)
    left = [name for name in os.listdir(work) if name.startswith("opstream-check-")]
    assert not left, f"left behind: {left}"
finally:
    shutil.rmtree(work)
