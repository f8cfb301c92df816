#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the checker by a plugin that breaks it, and no other; and the program's manners.

usage: rules.py OPSTREAM FAULTS BAD SHIPPED

Folders with NAME/fault/fault.so, NAME/bad/bad.so and NAME/NAME.so.
"""
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

opstream, faults, bad, shipped = (pathlib.Path(argument).resolve() for argument in sys.argv[1:5])
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


def without_glibc():
    """All that it takes is of a library with other versions."""
    path = copy("glibc")
    path.write_bytes(path.read_bytes().replace(b"\0GLIBC_", b"\0OTHER_"))
    return path


def no_sidecar():
    path = copy("no_sidecar")
    (path.parent / "plugin.json").unlink()
    return path


# What is checked, the rule that it breaks (and those that it then cannot keep), what is said, more
# arguments.
CASES = [
    (empty, "static.elf", "it is empty"),
    (truncated, "static.elf", "truncated"),
    (of_other_machine, "static.elf", "it is built for arm (machine 40)"),
    ("exports", "static.exports", "it exports 'opstream_fault_exported'"),
    ("entry_is_function", "static.exports run.load", "is a function"),
    (bad / "symbol/bad/bad.so", "static.exports run.load", "it does not export 'opstream_plugin_v1'"),
    ("unique", "static.unique", "'opstream_fault_unique'"),
    ("tls", "static.tls", "DF_STATIC_TLS"),
    ("textrel", "static.textrel", "DT_TEXTREL"),
    ("stack", "static.stack", "PT_GNU_STACK"),
    ("constructors", "static.constructors", "'fault_constructor' runs"),
    ("destructors", "static.constructors", "'fault_destructor' runs when the program ends"),
    ("start_code", "static.constructors", "'fault_start' runs when the library is loaded (DT_INIT)"),
    ("start_code", "static.constructors", "'fault_end' runs when the program ends (DT_FINI)"),
    ("start_code_stripped", "static.constructors", "runs when the library is loaded (DT_INIT is not the start of its section .init)"),
    ("start_code_stripped", "static.constructors", "runs when the program ends (DT_FINI is not the start of its section .fini)"),
    ("resolvers", "static.constructors", "the resolver 'fault_resolver' runs when the library is loaded (IFUNC)"),
    ("resolvers_exported", "static.exports static.constructors", "it exports 'fault_number'"),
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
    (bad / "crc/bad/bad.so", "run.load", "its code was built with another manifest"),
    (bad / "extra_type/bad/bad.so", "run.load", "its code has the node type 'bad.other', its manifest has not"),
    (bad / "init/bad/bad.so", "run.load", "no licence was found"),
    (bad / "create/bad/bad.so", "run.configs", "the key is too short"),
    ("bound_text", "run.configs", "bytes), at bounds of its schema"),
    ("bound_bytes", "run.configs", "bytes), at bounds of its schema"),
    ("bound_items", "run.configs", "at bounds of its schema"),
    ("port", "run.configs", "complete() with the port 'sideways', which the manifest does not name"),
    ("strand", "run.strand", ": a step of it takes 30 ms at least", "--timeout", "8"),
    ("ends_twice", "run.configs", "fault with {"),
    ("never_ends", "run.configs", "fault with {"),
    ("crashes", "run.configs", "it was ended by signal 6 (Aborted), while: fault with {"),
    ("parent", "run.configs", "it killed its parent process, by signal 9 (Killed), while: fault with {"),
    ("forks", "run.process", "it started a child process"),
    ("unnamed", "run.configs", "not in 'interfaces' of the manifest, so that they are NULL: ops.budget, ops.http, ops.job"),
    ("secret_crashes", "run.configs", "it was ended by signal 6 (Aborted), while: fault with {"),
    ("secret_read", "run.configs", "with secrets, fails with INTERNAL, which it does not without"),
    ("exits", "run.configs", "it ended the process with exit code 3, while: fault with {"),
    ("loops", "run.configs", "it did not end within 6 s, while: fault with {", "--timeout", "6"),
    ("mutations", "run.mutations", "= a text of 200,000 bytes"),
    ("outputs", "run.outputs", "/n"),
    ("checks", "run.checks run.cancel run.faults", "fault, its check()"),
    ("cancel", "run.cancel run.faults", ", cancelled some time after step 1"),
    ("cancel_late", "run.cancel run.faults", ", cancelled "),
    ("checks_deaf", "run.cancel run.faults", "fault, its check(), cancelled "),
    ("faults", "run.faults", "(ops.timer.after)"),
    ("start", "run.start", "fault, call 1 of the host fails in create() (ops.value.alloc), and create() succeeds all the same"),
    ("start_crashes", "run.start", "it was ended by signal 11 (Segmentation fault), while: fault with {"),
    ("start_for_good", "run.start", "fails in create(), and then create() fails for good, though no call does: "),
    ("start_zone", "run.start", "call 2 of the host fails in create()"),
    ("start_init", "run.start", "call 2 of the host fails in init() (ops.value.new_str), and init() succeeds all the same"),
    ("start_init_for_good", "run.start", "call 2 of the host fails in init(), and then init() fails for good, though no call does: "),
    ("process", "run.process", "bytes to stdout"),
    ("growth", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("growth_by_cancel", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("growth_by_refusal", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("growth_by_create", "run.growth", "in 40 hosts with one task"),
    ("grows_by_block", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("grows_by_new", "run.growth", "in 6000 tasks; most of it is taken at libstdc++.so.6"),
    ("grows_in_place", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("grows_in_thread", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("grows_seldom", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    ("grows_until_shutdown", "run.growth", "in 6000 tasks; most of it is taken at fault.so+0x"),
    (bad / "newer_interface/bad/bad.so", "manifest.needs", "needs the interface 'ops.http' 4"),
]

# Not every linker packs relocations, and not every C library can read them.
CAN_PACK = b"\0GLIBC_ABI_DT_RELR\0" in fault("packed").read_bytes()
if CAN_PACK:
    CASES.append(("packed", "static.glibc", "it needs GLIBC_ABI_DT_RELR of libc.so.6; it has to load with glibc 2.35",
                  "--glibc", "2.35"))


def look_at(case):
    what, rules, words, *arguments = case
    rules = rules.split()
    rule = rules[0]
    path = what() if callable(what) else what if isinstance(what, pathlib.Path) else fault(what)
    junit = work / "junit.xml"
    tasks = "10000" if rule == "run.growth" else "500"
    run = check(path, "--json", "--junit", junit, "--tasks", tasks, *arguments)
    report = json.loads(run.stdout)
    rows = {row["id"]: row for row in report["rules"]}
    broken = [row["id"] for row in report["rules"] if row["outcome"] == "failed"]
    is_error = rows[rule]["severity"] == "error"
    assert broken == rules, (path, broken, [rows[one] for one in broken])
    assert words in "\n".join(rows[rule]["findings"]), (path, rows[rule])
    assert run.returncode == (1 if is_error else 0) and report["good"] is not is_error, (path, run)

    suite = ElementTree.parse(junit).getroot().find("testsuite")
    failed = [one.get("name") for one in suite.findall("testcase") if one.find("failure") is not None]
    assert failed == (rules if is_error else []), (path, failed)
    assert int(suite.get("failures")) == len(failed), path
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == len(rows), path
    assert int(suite.get("skipped")) == sum(row["outcome"] == "skipped" for row in rows.values()), path
    return rule


def all_rules():
    lines = check("--list-rules", code=0).stdout.splitlines()
    listed = json.loads(check("--list-rules", "--json", code=0).stdout)
    assert [line.split(None, 2) for line in lines] == [list(rule.values()) for rule in listed], listed
    return [line.split()[0] for line in lines]


def has_landlock():
    """The kernel can keep a process from writing; landlock_create_ruleset() tells its version."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


def writes_nothing_outside():
    """A node that writes files, with a path that is somebody's."""
    target = work / "somebodys.txt"
    (work / "roots.json").write_text(json.dumps({"roots": [str(work)]}))
    (work / "paths.json").write_text(json.dumps({"file.write": [{"path": str(target), "content": "x"}]}))
    check(shipped / "file/file.so", "--rule", "run.configs", "--settings", work / "roots.json",
          "--config", work / "paths.json", code=0)
    assert target.exists() is not has_landlock(), "written outside of its folder"


def manners(rules):
    good = fault("none")
    text = check(good, code=0)
    assert ", seed 1\n" in text.stdout and "0 failed" in text.stdout, text.stdout
    text = check(good, "--seed", 7, "--rule", "manifest", "--rule", "static.elf", code=0).stdout
    assert ", seed 7\n" in text and "static.elf" in text and "static.tls" not in text, text
    broken = check(fault("imports"), "--rule", "static.imports", code=1).stdout
    assert "FAILED   static.imports" in broken and "--explain static.imports" in broken, broken
    one = check(fault("imports"), "--rule", "static.tls", code=0).stdout
    assert "\n1 rule: 1 ok, 0 failed, 0 warnings, 0 not applicable\n" in one, one
    if CAN_PACK:
        packed = check(fault("packed"), "--rule", "static.glibc", "--glibc", "2.36", code=0).stdout
        assert "(the newest that it needs is GLIBC_2.36)" in packed, packed
    starts = check(fault("starts_well"), code=0).stdout
    assert "(2 calls in init(), 3 in create())" in starts and "0 failed" in starts, starts
    newest = check(good, "--rule", "static.glibc", code=0).stdout
    assert "(the newest that it needs is GLIBC_2." in newest, newest
    assert "(10000 tasks)" in check(fault("fills"), "--rule", "run.growth", code=0).stdout
    few = check(fault("grows_seldom"), "--rule", "run.growth", "--tasks", 1000, code=0).stdout
    assert "(1000 tasks; small leaks are found with 5000 or more)" in few, few
    for name in ("thread_ends", "thread_naps", "thread_ticks"):
        run = check(fault(name), "--rule", "run", "--tasks", 100, code=0)
        assert ", 0 failed, 0 warnings" in run.stdout, run.stdout
    assert "at 8 of 8 steps" in check(fault("checks_well"), "--rule", "run.cancel", code=0).stdout
    unmade = check(fault("patterned"), "--rule", "run", code=0).stdout
    assert "so it was not run: put `examples` into the schema" in unmade and ", 0 failed" in unmade, unmade
    late = check(fault("ends_late"), "--rule", "run.mutations", code=1).stdout
    assert "ops.exec.fail() of a task that has ended" in late, late
    slow = check(fault("naps"), "--rule", "run.growth", "--timeout", 8, code=0).stdout
    assert " hosts: more take too long; small" in slow, slow
    steps = check(fault("cancel_late"), "--rule", "run.cancel", code=1).stdout
    assert "at 180 of 426 steps" in steps, steps
    grown = check(fault("cancel_late"), "--rule", "run.growth", code=1).stdout
    assert "fault with {}, call " in grown and " of the host fails by its callback" in grown, grown
    assert "(it needs none)" in check(without_glibc(), "--rule", "static.glibc", code=0).stdout
    assert check(fault("crashes"), "--in-process", "--rule", "run.configs").returncode == -6
    given = work / "given.json"
    for option, content, words, code in [
            ("--config", '{"fault": [{"n": 77}, {"n": 78}]}', "", 0),
            ("--config", '{"fault": [{"n": "many"}]}', 'fault with {"n":"many"} is not started', 1),
            ("--config", '{"fault": {"n": 1}}', 'is not like {"fault": [{...}, ...]}', 2),
            ("--config", "[]", 'is not like {"TYPE": [{...}, ...]}', 2),
            ("--config", '{"fualt": []}', "no node type 'fualt': did you mean 'fault'?", 2),
            ("--config", '{"other.thing": []}', "no node type 'other.thing'", 2),
            ("--config", '{"fault": [', "given.json:1:12: ", 2),
            ("--settings", "{}", "", 0),
            ("--settings", '{"x": 1}', "the plugin takes no settings", 2),
            ("--settings", "[1]", 'is not like {"NAME": VALUE}', 2),
            ("--settings", "[", "given.json:1:", 2)]:
        given.write_text(content)
        run = check(fault("runs_well"), "--rule", "run.configs", option, given, code=code)
        assert words in run.stdout + run.stderr, run
    given.write_text('{"roots": 7}')
    assert "/roots" in check(shipped / "file/file.so", "--settings", given, code=2).stderr
    inside = check(fault("process"), "--in-process", "--rule", "run.process", code=0).stdout
    assert "with --in-process" in inside and "1 not applicable" in inside, inside
    os.environ["OPSTREAM_PLUGIN_DEBUG"] = "wait"
    assert "needs --in-process" in check(good, code=2).stderr
    del os.environ["OPSTREAM_PLUGIN_DEBUG"]
    one, other = (check(fault("outputs"), "--rule", "run.outputs", "--seed", seed, code=0).stdout for seed in (5, 5))
    assert one == other and "warning  run.outputs" in one and ", seed 5" in one, (one, other)
    another = check(fault("outputs"), "--rule", "run.outputs", "--seed", 6, code=0).stdout
    assert one.splitlines()[2:] != another.splitlines()[2:], another
    for rule in ("run.cancel", "run.faults", "run.start", "run.growth"):
        alone = check(bad / "create/bad/bad.so", "--rule", rule, code=0).stdout
        assert "could" in alone and "as run.configs tells" in alone, alone
    for rule in rules:
        told = check("--explain", rule, code=0).stdout
        assert told.startswith(rule) and "Why: " in told and "What to do: " in told, told
        assert all(len(line) <= 81 for line in told.splitlines()), told
        parts = json.loads(check("--explain", rule, "--json", code=0).stdout)
        assert list(parts) == ["id", "severity", "title", "why", "what_to_do"], parts
        assert all(" ".join(part.split()) in " ".join(told.split()) for part in parts.values()), (parts, told)
    for arguments, words in [
            ((), "name the plugin's file"),
            ((good, "--rule", "static.nothing"), "there is no rule 'static.nothing'"),
            (("--explain", "x"), "there is no rule 'x'"),
            (("--explain", "static.elf", good), f"--explain checks nothing: leave '{good}' out"),
            (("--explain", "static.elf", "--seed", 7), "--explain goes with --json alone, not with --seed"),
            (("--list-rules", "--explain", "static.elf", good, "--rule", "nope"), "--list-rules checks nothing"),
            (("--list-rules", "--explain", "static.elf"), "--list-rules goes with --json alone, not with --explain"),
            (("--list-rules", "--rule", "static"), "--list-rules goes with --json alone, not with --rule"),
            ((good, "--seed", "-1"), "--seed is a whole number"),
            ((good, "--timeout", "0"), "--timeout is"),
            ((good, "--tasks", "0"), "--tasks is a number from 1"),
            ((good, "--config", work / "absent.json"), "cannot read"),
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
    writes_nothing_outside()
    left = [name for name in os.listdir(work) if name.startswith("opstream-check-")]
    assert not left, f"left behind: {left}"
finally:
    shutil.rmtree(work)
