# SPDX-License-Identifier: Apache-2.0
"""What is promised, one by one, with nothing but kill -9 and a look at the order of calls.

usage: promises.py BUILD [--long] [CASE]
"""

import os
import re
import signal
import sys
import time

from overload import Flood, begin_service, wait_until_idle
from world import LIMIT_SECONDS, World, can_trace, check, main, under, wait_until

CHAIN = """
id: main
nodes:
  - {id: a, type: code, config: {language: bash, code: "echo a >> $LOG; echo 1"}}
  - {id: b, type: code, depends_on: [a], config: {language: bash, code: "echo b >> $LOG; echo 1"}}
  - {id: c, type: code, depends_on: [b], config: {language: bash, code: "echo c >> $LOG; echo 1"}}
"""

ONCE = """
id: main
nodes:
  - {id: before, type: set, config: {x: 1}}
  - id: pay
    type: code
    depends_on: [before]
    at_most_once: %s
    config: {language: bash, code: "echo pay >> $LOG; touch $LOG.working; until test -e $LOG.go; do sleep 0.02; done; echo 1"}
  - {id: after, type: code, depends_on: [pay], config: {language: bash, code: "echo after >> $LOG; echo 1"}}
"""


STEPS = """
id: main
integrations: {code: {max_concurrency: 8}}
rollback: true
input: {type: object, properties: {n: {type: integer, default: 1}}}
nodes:
  - id: a
    type: code
    config: {language: bash, code: "echo a >> $LOG; echo 1"}
    compensate: {type: code, config: {language: bash, code: "echo undo a >> $LOG; echo 1"}}
  - id: b
    type: code
    depends_on: [a]
    config: {language: bash, code: "echo b >> $LOG; while test ! -e $LOG.go; do sleep 0.02; done; echo b ends >> $LOG; echo 1"}
    compensate: {type: code, config: {language: bash, code: "echo undo b >> $LOG; echo 1"}}
  - {id: c, type: code, depends_on: [b], config: {language: bash, code: "echo c >> $LOG; echo 1"}}
  - {id: nap, type: wait, config: {seconds: NAP}}
  - {id: d, type: code, depends_on: [nap], config: {language: bash, code: "echo d >> $LOG; echo 1"}}
"""


# Each run that it calls has ended long before the failure.
CALLS = """
workflows:
  main:
    rollback: true
    nodes:
      - id: each
        for_each: range(0, 5)
        as: n
        nodes: [{id: call, type: workflow, config: {workflow: one, input: {n: "{{ n }}"}}}]
      - {id: stay, type: wait, depends_on: [each], config: {event: go}}
      - {id: doomed, type: fail, depends_on: [stay], config: {message: it is}}
  one:
    input: {type: object, required: [n], properties: {n: {type: integer}}}
    nodes:
      - id: make
        type: code
        config: {language: bash, code: "echo make >> $LOG; echo 1"}
        compensate: {type: code, config: {language: bash, code: "echo undo make >> $LOG; echo 1"}}
"""


def state_of(world, path=None):
    rows = world.rows("SELECT state FROM runs WHERE workflow = 'main'") if path is None else \
        world.rows("SELECT state FROM nodes WHERE path = ?", path)
    return rows[0][0] if rows else None


def P1__what_start_has_said_is_durable(build, is_long):
    """The process dies at any call; an id that was printed is a run, and it ends right."""
    can_trace()
    for nth in range(1, 60, 1 if is_long else 11):
        with World(build) as world:
            (world.folder / "chain.yaml").write_text(CHAIN)
            done = world.run("start", "chain.yaml", "--key", "k", "-i", "n=7",
                             before=under(world, f"signal=KILL:when={nth}"))
            said = done.stdout.strip()
            world.look()
            if said:
                rows = world.rows("SELECT id, key FROM runs WHERE workflow = 'main'")
                check(rows == [(said, "k")], f"call {nth}: '{said}' was said, there is {rows}")
            again = world.begin("chain.yaml", "--key", "k", "-i", "n=7")
            check(not said or again == said, f"call {nth}: '{said}', then '{again}'")
            world.finish()
            check(world.effects() and sorted(set(world.effects())) == ["a", "b", "c"],
                  f"call {nth}: effects: {world.effects()}")
            world.look()


def P1__the_owner_dies_as_soon_as_the_id_is_there(build, is_long):
    for _ in range(30 if is_long else 4):
        with World(build) as world:
            (world.folder / "steps.yaml").write_text(STEPS.replace("NAP", "0.3"))
            said = world.begin("steps.yaml", "-i", "n=5")
            world.kill_owner()
            rows = world.rows("SELECT r.id, j.body FROM runs r JOIN journal j USING (run) WHERE j.seq = 1")
            check(len(rows) == 1 and rows[0][0] == said, f"'{said}' was said, there is {rows}")
            check('"n":5' in rows[0][1], f"the input is not durable: {rows}")
            world.check_tables()


def P2__the_same_key_is_the_same_run(build, _):
    with World(build) as world:
        (world.folder / "steps.yaml").write_text(STEPS.replace("NAP", "0.3"))
        first = world.begin("steps.yaml", "--key", "k")
        check(world.begin("steps.yaml", "--key", "k") == first, "another run beside the first")
        wait_until("b", lambda: "b" in world.effects())
        world.kill_owner()
        check(world.begin("steps.yaml", "--key", "k") == first, "another run after a crash")
        done = world.run("start", "steps.yaml", "--key", "k", "-i", "n=2")
        check(done.returncode not in (0, 74), f"another input: {done}")
        check("k" in done.stderr and not done.stdout, f"another input: {done}")
        (world.folder / "effects.go").touch()
        world.finish()
        check(world.begin("steps.yaml", "--key", "k") == first, "another run after the end")
        other = world.begin("steps.yaml", "--key", "k2")
        check(other != first, "another key gave the same run")
        world.finish()
        check(len(world.rows("SELECT 1 FROM runs WHERE workflow = 'main'")) == 2, "more runs")
        check(world.effects().count("c") == 2, f"effects: {world.effects()}")
        world.check_tables()


def P2__many_at_once_with_one_key(build, is_long):
    with World(build) as world:
        (world.folder / "chain.yaml").write_text(CHAIN)
        clients = [world.start("start", "chain.yaml", "--key", "k")
                   for _ in range(40 if is_long else 8)]
        ids = set()
        for client in clients:
            out, err = client.communicate(timeout=LIMIT_SECONDS)
            check(client.returncode == 0, f"exit {client.returncode}\n{out}{err}")
            ids.add(out.strip())
        check(len(ids) == 1, f"{len(ids)} runs")
        world.finish()
        check(world.effects() == ["a", "b", "c"], f"effects: {world.effects()}")
        world.check_tables()


def calls_of(text):
    """What was done to the log, and when programs were started, in the order of their ends."""
    for line in text.splitlines():
        if re.search(r"execve.*\bbash\b.*= 0", line):
            yield "exec"
        elif "state.db-wal" in line and "pwrite64" in line:
            yield "write"
        elif "state.db-wal" in line and "sync" in line:
            yield "sync"


def P3__a_start_is_durable_before_its_effect(build, _):
    """No program of a node is started while something of the log is not synced."""
    can_trace()
    with World(build) as world:
        (world.folder / "chain.yaml").write_text(CHAIN)
        trace = world.folder / "trace"
        world.run("run", "chain.yaml", "-q", expect=0, before=[
            "strace", "-f", "-y", "-qqq", "-o", trace, "-e",
            "trace=execve,pwrite64,fdatasync,fsync"])
        kinds = list(calls_of(trace.read_text(errors="replace")))
        check(kinds.count("exec") >= 3, f"programs were started {kinds.count('exec')} times")
        last = None  # no call yet
        for kind in kinds:
            check(kind != "exec" or last in ("sync", "exec"),
                  f"a program was started right after a '{last}' of the log: {kinds}")
            last = kind
        check(world.effects() == ["a", "b", "c"], f"effects: {world.effects()}")


def killed_at_work(world, at_most_once):
    (world.folder / "once.yaml").write_text(ONCE % at_most_once)
    process = world.start("run", "once.yaml", "-q")
    wait_until("the node", (world.folder / "effects.working").exists)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=LIMIT_SECONDS)
    (world.folder / "effects.go").touch()  # from now on it ends at once
    (world.folder / "once.yaml").unlink()  # the state has its own


def P5__what_has_no_record_runs_again(build, _):
    with World(build) as world:
        killed_at_work(world, "false")
        world.finish()
        check(world.effects() == ["pay", "pay", "after"], f"effects: {world.effects()}")
        attempts = world.rows("SELECT attempt FROM journal WHERE type = 'node_started' AND path = 'pay'")
        check(len(attempts) == 2, f"attempts: {attempts}")
        world.check_tables()


def P5__at_most_once_waits_for_a_person(build, _):
    with World(build) as world:
        killed_at_work(world, "true")
        for _ in range(2):
            world.wait(world.linger(0.4))
            check(world.effects() == ["pay"], f"effects: {world.effects()}")
            states = world.rows("SELECT state FROM runs WHERE workflow = 'main'")
            check(states == [("approval_required",)], f"the run is {states}")
            nodes = world.rows("SELECT state FROM nodes WHERE path = 'pay'")
            check(nodes == [("unknown",)], f"the node is {nodes}")
        listed = world.run("list", "--status", "approval_required", expect=0)
        check("main" in listed.stdout, listed.stdout)
        world.check_tables()


def P5__a_person_resolves_what_is_unknown(build, _):
    for answer, state, effects in (
            (["--output", "7"], "completed", ["pay", "after"]),
            (["--fail"], "failed", ["pay"]),
            (["--again"], "completed", ["pay", "pay", "after"])):
        with World(build) as world:
            killed_at_work(world, "true")
            (run,), = world.rows("SELECT id FROM runs WHERE workflow = 'main'")
            world.wait(world.linger(0.1))
            world.run("resolve", run, "pay", *answer, expect=0)
            world.finish()
            check(state_of(world) == state, f"{answer}: the run is {state_of(world)}")
            check(world.effects() == effects, f"{answer}: effects: {world.effects()}")
            who = world.rows("SELECT who FROM audit WHERE action = 'resolve'")
            check(len(who) == 1 and who[0][0], f"{answer}: audit: {who}")
            world.check_tables()


def begin_and_reach_b(world, nap=0.3):
    (world.folder / "steps.yaml").write_text(STEPS.replace("NAP", str(nap)))
    run = world.begin("steps.yaml")
    wait_until("b", lambda: "b" in world.effects())
    return run


def look_while_paused(world, run, is_killed, nap):
    if is_killed:
        world.kill_owner()
        os.remove(world.state / "control.sock")
        process = world.linger(nap + 3)
    (world.folder / "effects.go").touch()
    if not is_killed:
        wait_until("the end of b", lambda: state_of(world, "b") == "completed")
    time.sleep(1)
    effects = world.effects()
    check("c" not in effects and "d" not in effects, f"started while paused: {effects}")
    check(state_of(world) == "paused", f"the run is {state_of(world)}")
    wait_until("the timer", lambda: state_of(world, "nap") == "completed")
    check("d" not in world.effects(), "what waited for the timer has started")
    world.run("resume", run, expect=0)
    wait_until("the end", lambda: world.has_ended("main"))
    if is_killed:
        process.communicate(timeout=LIMIT_SECONDS)
    effects = world.effects()
    check(effects.count("c") == 1 and effects.count("d") == 1, f"effects: {effects}")
    world.check_tables()


def P9__no_node_starts_after_a_pause(build, _):
    """Not even when the engine dies right behind it; what ran ends, timers fire, both recorded."""
    for is_killed in (False, True):
        for nap in (0.3, 3, 30):
            with World(build) as world:
                run = begin_and_reach_b(world, nap)
                world.run("pause", run, expect=0)
                if state_of(world, "d") is not None and nap < 30:
                    continue  # the pause came too late: once more, with more time
                look_while_paused(world, run, is_killed, nap)
                break


def P10__no_forward_node_starts_after_a_cancel(build, _):
    """Also when the engine dies right behind it; what was done is undone, newest first."""
    for is_killed in (False, True):
        with World(build) as world:
            run = begin_and_reach_b(world)
            world.run("cancel", run, expect=0)
            if is_killed:
                world.kill_owner(may_have_ended=True)  # with its last run
            (world.folder / "effects.go").touch()
            world.finish()
            effects = world.effects()
            check("c" not in effects, f"started after the cancel: {effects}")
            check(state_of(world) == "cancelled", f"the run is {state_of(world)}")
            undone = [line for line in effects if line.startswith("undo")]
            # One that was killed before its end was recorded runs again.
            check(undone and undone[-1] == "undo a" and len(undone) <= len(set(undone)) + is_killed,
                  f"undone: {undone}")
            world.check_tables()


def P10__runs_that_had_ended_are_undone_by_who_recovers(build, _):
    with World(build) as world:
        path = world.folder / "main.yaml"
        path.write_text(CALLS)
        run = world.begin(f"{path}#main")
        wait_until("it waits", lambda: state_of(world, "stay") == "running")
        world.kill_owner()
        world.run("send", run, "go", expect=0)
        world.finish()
        check(sorted(world.effects()) == ["make"] * 5 + ["undo make"] * 5, str(world.effects()))
        world.check_tables()


def P10__a_process_that_ignores_it_is_killed(build, _):
    with World(build) as world:
        (world.folder / "deaf.yaml").write_text(
            "id: main\nnodes:\n  - {id: deaf, type: code, config: {language: bash, "
            "code: \"trap 'echo term >> $LOG' TERM; echo $$ >> $LOG; "
            "while true; do sleep 0.1; done\"}}\n")
        run = world.begin("deaf.yaml")
        wait_until("the node", world.effects)
        child = int(world.effects()[0])
        begin = time.monotonic()
        world.run("cancel", run, expect=0)
        wait_until("the end", lambda: world.has_ended("main"))
        took = time.monotonic() - begin
        check("term" in world.effects(), "it was not asked to end")
        check(9.5 < took < 100, f"it was killed after {took:.1f} s, not 10")
        check(not os.path.exists(f"/proc/{child}"), "it still runs")
        check(state_of(world) == "cancelled", f"the run is {state_of(world)}")


def the_owner_dies_while_three_wait(build, is_long):
    """One of them takes over, and all see their own run end."""
    for _ in range(10 if is_long else 2):
        with World(build) as world:
            (world.folder / "steps.yaml").write_text(STEPS.replace("NAP", "0.3"))
            clients = [world.start("run", "steps.yaml", "-q")]
            wait_until("b of the first", lambda: world.effects().count("b") == 1)
            clients += [world.start("run", "steps.yaml", "-q") for _ in range(3)]
            wait_until("b of all", lambda: world.effects().count("b") == 4)
            check(world.owner() == clients[0].pid, "the first is not the owner")
            clients[0].kill()
            clients[0].communicate(timeout=LIMIT_SECONDS)
            (world.folder / "effects.go").touch()
            for client in clients[1:]:
                out, err = client.communicate(timeout=LIMIT_SECONDS)
                check(client.returncode == 0, f"exit {client.returncode}\n{out}{err}")
            world.finish()
            states = world.rows("SELECT state FROM runs WHERE workflow = 'main'")
            check(states == [("completed",)] * 4, f"runs: {states}")
            check(world.effects().count("c") == 4, f"effects: {world.effects()}")
            world.check_tables()


def P4__P6__a_definition_that_is_edited_changes_no_live_run(build, _):
    with World(build) as world:
        killed_at_work(world, "false")
        (world.folder / "once.yaml").write_text((ONCE % "false").replace("after", "other"))
        world.finish()
        check(world.effects()[-1] == "after", f"effects: {world.effects()}")
        world.check_tables()


def P14__what_was_accepted_ends_and_what_was_refused_was_not_kept(build, is_long):
    """64 clients that start as fast as they can, ten times what there is room for, and kill -9."""
    with World(build) as world:
        service = begin_service(world)
        with Flood(world) as flood:
            for _ in range(8 if is_long else 2):
                time.sleep(2 if is_long else 1)
                service.kill()
                service.wait()
                service = begin_service(world)
            time.sleep(1)
        wait_until_idle(world)
        print(f"    {len(flood.accepted)} accepted, {len(flood.refused)} refused")
        check(len(flood.refused) > len(flood.accepted) > 0, "there was no overload")
        flood.check_kept()
        world.check_tables()


if __name__ == "__main__":
    sys.exit(main([P1__what_start_has_said_is_durable,
                   P1__the_owner_dies_as_soon_as_the_id_is_there,
                   P2__the_same_key_is_the_same_run, P2__many_at_once_with_one_key,
                   P3__a_start_is_durable_before_its_effect, P5__what_has_no_record_runs_again,
                   P5__at_most_once_waits_for_a_person, P5__a_person_resolves_what_is_unknown,
                   P4__P6__a_definition_that_is_edited_changes_no_live_run,
                   P9__no_node_starts_after_a_pause, P10__no_forward_node_starts_after_a_cancel,
                   P10__runs_that_had_ended_are_undone_by_who_recovers,
                   P10__a_process_that_ignores_it_is_killed, the_owner_dies_while_three_wait,
                   P14__what_was_accepted_ends_and_what_was_refused_was_not_kept]))
