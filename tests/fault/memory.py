# SPDX-License-Identifier: Apache-2.0
"""Loops over many items take no more memory than over few: it grows with what is under way.

usage: memory.py BUILD [--long] [CASE]
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from world import Skip, World, check, is_sanitized, main, wait_until

FEW = 1000
TIMES = 10
MORE = 1.1  # what ten times as many items may take
ROUNDS = 3

POLICIES = {"retry": {"max_attempts": 3}, "circuit_breaker": {"failure_threshold": 5},
            "rate_limit": "1000000/second"}
ISSUE = {"title": "what somebody wrote", "body": "as long as such a text is " * 20,
         "labels": [{"name": "bug"}], "user": {"login": "somebody"}}
EACH = {"id": "each", "as": "issue", "collect": "count", "batch_size": 10, "max_parallel": 2}


def call(name, value, after=()):
    """A task of a plugin, with all that bounds its calls."""
    return {"id": name, "type": "jq", "config": {"program": ".", "input": value},
            "depends_on": list(after), **POLICIES}


def copy(name, value):
    return {"id": name, "type": "set", "config": {"issue": value}}


BODY = [copy("kept", "{{ issue }}"), call("first", "{{ kept.issue }}", ["kept"]),
        call("second", "{{ kept.issue }}", ["first"])]
CHILD = {"input": {"type": "object", "required": ["issue"], "properties": {"issue": {"type": "object"}}},
         "nodes": [copy("kept", "{{ input.issue }}"), call("first", "{{ kept.issue }}", ["kept"]),
                   call("second", "{{ kept.issue }}", ["kept"])],
         "output": "{{ first.output }}"}
CALLS = [{"id": "one", "type": "workflow", "config": {"workflow": "one", "input": {"issue": "{{ issue }}"}}}]

SHAPES = {
    "stream": {**EACH, "for_each": "all.stream", "nodes": BODY, "output": "{{ second.output }}"},
    "list": {**EACH, "for_each": "range(0, input.count)", "nodes": BODY},
    "nested": {"id": "each", "for_each": "all.stream", "as_batch": "rows", "collect": "count",
               "batch_size": 20, "nodes": [{**EACH, "id": "inner", "for_each": "rows", "nodes": BODY}]},
    "child": {**EACH, "for_each": "all.stream", "nodes": CALLS, "output": "{{ one.output }}"},
    "http": {**EACH, "for_each": "all.stream", "nodes": [
        {"id": "send", "type": "http", **POLICIES, "config": {
            "url": "{{ input.url }}", "method": "POST", "body": "{{ issue }}"}}]},
}


def write(world, shape, count, url):
    """The pipeline, which writes a file when all items are through, and stays."""
    items = world.folder / f"items-{count}"
    with items.open("w") as file:
        for number in range(1, count + 1):
            file.write(json.dumps({"number": number, **ISSUE}) + "\n")
    nodes = [
        SHAPES[shape],
        {"id": "through", "type": "file.write", "depends_on": ["each"], "config": {
            "path": str(world.folder / "through"), "content": "{{ each.counts.completed }}"}},
        {"id": "stay", "type": "wait", "depends_on": ["through"], "config": {"event": "go"}}]
    if shape != "list":
        nodes.insert(0, {"id": "all", "type": "file.lines", "config": {"path": str(items), "as": "json"}})
    given = {"type": "object", "properties": {"url": {"type": "string", "default": url},
                                              "count": {"type": "integer", "default": count}}}
    path = world.folder / "many.json"
    path.write_text(json.dumps({"workflows": {"main": {"input": given, "nodes": nodes}, "one": CHILD}}))
    return f"{path}#main"


def peak_kib(pid):
    status = Path("/proc", str(pid), "status").read_text()
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1])


def wait_for_all(world, shape, count):
    file = world.folder / "through"
    words = wait_until("all items are through", lambda: file.exists() and file.read_text().split())
    if shape == "nested":  # a batch may start before it is full
        check(count // 20 <= int(words[0]) <= count, f"{words} batches of {count} items")
    else:
        check(words == [str(count)], f"{words} rounds, not {count}")


QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def by_run(world, pipeline):
    return world.start("run", pipeline, "-q", **QUIET).pid


def by_ephemeral_run(world, pipeline):
    command = [world.program, "run", "--ephemeral", pipeline, "-q"]
    process = subprocess.Popen(command, cwd=world.folder, env=world.env, stdin=subprocess.DEVNULL,
                               start_new_session=True, **QUIET)
    world.processes.append(process)
    return process.pid


def by_start(world, pipeline):
    world.begin(pipeline)
    return wait_until("somebody is the engine", world.owner)


def by_serve(world, pipeline):
    process = world.start("serve", **QUIET)
    wait_until("it listens", (world.state / "control.sock").exists)
    world.begin(pipeline)
    return process.pid


def by_who_recovers(world, pipeline):
    """The one before is killed when about two thirds of the items are through."""
    process = world.start("run", pipeline, "-q", **QUIET)
    (count,) = (int(file.name.split("-")[1]) for file in world.folder.glob("items-*"))
    wait_until("it has come far", lambda: world.rows(
        "SELECT 1 FROM journal WHERE type = 'node_ended' AND path LIKE ?", f"each[{count * 2 // 3}]%"))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return world.start("serve", **QUIET).pid


def peak_of(build, begin, shape, count, url):
    with World(build) as world:
        pid = begin(world, write(world, shape, count, url))
        wait_for_all(world, shape, count)
        if is_sanitized(pid):
            raise Skip("its memory is not that of the program")
        return peak_kib(pid)


def compare(build, begin, shape, url=""):
    """Who happens to run when makes a peak larger, never smaller: the smallest of some counts."""
    few, many = [], []
    for _ in range(ROUNDS):
        few.append(peak_of(build, begin, shape, FEW, url))
        many.append(peak_of(build, begin, shape, FEW * TIMES, url))
        if min(many) <= min(few) * MORE:
            break
    print(f"  {shape} {begin.__name__}: {few} KiB, {many} KiB", flush=True)
    check(min(many) <= min(few) * MORE, f"{FEW * TIMES} items take {many} KiB, {FEW} take {few} KiB")


def P14__items_of_a_stream(build, is_long):
    for begin in (by_run, by_ephemeral_run, by_start, by_serve) if is_long else (by_run, by_serve):
        compare(build, begin, "stream")


def P14__items_of_a_list(build, is_long):
    for begin in (by_run, by_ephemeral_run) if is_long else (by_run,):
        compare(build, begin, "list")


def P14__loops_in_loops(build, is_long):
    for begin in (by_run, by_ephemeral_run) if is_long else (by_run,):
        compare(build, begin, "nested")


def P14__runs_that_items_call(build, is_long):
    for begin in (by_run, by_ephemeral_run, by_start, by_serve) if is_long else (by_start,):
        compare(build, begin, "child")


@contextlib.contextmanager
def service(build):
    program = Path(build, "tests", "bin", "http_test_server")
    with subprocess.Popen([program, "--with-parent"], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/echo"
        finally:
            server.terminate()


def P14__calls_for_items(build, is_long):
    with service(build) as url:
        for begin in (by_run, by_ephemeral_run) if is_long else (by_run,):
            compare(build, begin, "http", url)


def P14__items_that_another_process_goes_on_with(build, is_long):
    for shape in ("stream", "child") if is_long else ("child",):
        compare(build, by_who_recovers, shape)


if __name__ == "__main__":
    sys.exit(main([P14__items_of_a_stream, P14__items_of_a_list, P14__loops_in_loops,
                   P14__runs_that_items_call, P14__calls_for_items,
                   P14__items_that_another_process_goes_on_with]))
