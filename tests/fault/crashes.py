# SPDX-License-Identifier: Apache-2.0
"""Runs that end the process which works on them.

usage: crashes.py BUILD [--long] [CASE]
"""

import sys

from world import LIMIT_SECONDS, World, check, main

DEADLY = """
workflows:
  main:
    nodes:
      - {id: begin, type: set, config: {x: 1}}
      - id: call
        type: workflow
        depends_on: [begin]
        config: {workflow: inner}
  inner:
    nodes:
      - {id: deadly, type: code, config: {language: bash, code: "echo deadly >> $LOG; kill -9 $PPID; sleep 5; echo 1"}}
"""

# Each process gets one step further: a file says which nodes have had their turn.
SLOW = """
workflows:
  main: {nodes: [{id: call, type: workflow, config: {workflow: inner}}]}
  inner:
    nodes:
      - id: each
        for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
        type: code
        config: {language: bash, code: "echo $I >> $LOG; test -e done.$I && echo 1 && exit; touch done.$I; kill -9 $PPID; sleep 5", input_mapping: {I: "{{ item }}"}}
"""


def P6__a_run_that_ends_its_process_ten_times_is_given_up(build, _):
    with World(build) as world:
        (world.folder / "deadly.yaml").write_text(DEADLY)
        done = world.run("run", "deadly.yaml#main", "-q")
        check(done.returncode == -9, f"it survived: {done}")
        for _ in range(14):
            world.linger(0.1).communicate(timeout=LIMIT_SECONDS)
            if world.has_ended("main"):
                break
        world.check_tables()
        (state,), = world.rows("SELECT state FROM runs WHERE workflow = 'main'")
        check(state == "failed", f"the run is {state} after {len(world.effects())} processes")
        check(len(world.effects()) == 10, f"{len(world.effects())} processes, not 10")
        (body,), = world.rows("SELECT j.body FROM runs r JOIN journal j ON j.id = r.record"
                              " WHERE r.workflow = 'main'")
        check("10 times" in body, f"the result does not say why: {body}")


def P6__progress_between_crashes_counts(build, _):
    with World(build) as world:
        (world.folder / "slow.yaml").write_text(SLOW)
        world.run("run", "slow.yaml#main", "-q")
        for _ in range(40):
            if world.has_ended("main"):
                break
            world.linger(0.1).communicate(timeout=LIMIT_SECONDS)
        world.check_tables()
        rows = world.rows("SELECT state, crashes FROM runs WHERE workflow = 'main'")
        check(rows == [("completed", 0)], f"the run is {rows} after {len(world.effects())} starts")


if __name__ == "__main__":
    sys.exit(main([P6__a_run_that_ends_its_process_ten_times_is_given_up,
                   P6__progress_between_crashes_counts]))
