# SPDX-License-Identifier: Apache-2.0
"""The wall clock jumps by hours, while runs wait and while nobody is there.

usage: clock.py BUILD [--long] [CASE]
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from world import LIMIT_SECONDS, LINGER, Skip, World, check, main, wait_until

HOUR = 3600 * 1000
NAP = """
workflows:
  main:
    nodes:
      - {id: nap, type: wait, config: {seconds: "{{ input.seconds }}"}}
      - {id: after, type: code, depends_on: [nap], config: {language: bash, code: "echo after >> $LOG; echo 1"}}
"""


class ClockWorld(World):
    def __init__(self, build):
        super().__init__(build)
        library = Path(build, "tests", "bin", "libfake_clock.so").resolve()
        self.clock = self.folder / "clock"
        self.clock.write_text("0")
        self.env["LD_PRELOAD"] = str(library)
        self.env["FAKE_CLOCK"] = str(self.clock)
        (self.folder / "nap.yaml").write_text(NAP)
        done = subprocess.run([self.program, "version"], env=self.env, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0 or "LD_PRELOAD" in done.stderr:
            raise Skip("a library cannot be loaded before others here: " + done.stderr.strip())

    def jump(self, ms):
        with open(self.clock, "r+", encoding="ascii") as clock:
            clock.write(f"{ms:<20}")  # never shorter than before: nobody reads half of it

    def nap(self, seconds):
        process = self.start("run", "nap.yaml#main", "-q", "-i", f"seconds={seconds}")
        wait_until("it waits", lambda: self.rows("SELECT 1 FROM journal WHERE type = 'node_started'"))
        return process

    def has_woken(self):
        return "after" in self.effects()

    def due(self):
        return [json.loads(body)["due"] for body, in self.rows(
            "SELECT body FROM journal WHERE type = 'node_started' AND path = 'nap'")][0]

    def check_timer(self):
        """It fired once in the journal, and not before it was due by the clock that ran then."""
        due = self.due()
        ends = self.rows("SELECT at FROM journal WHERE type = 'node_ended' AND path = 'nap'")
        check(len(ends) == 1, f"it fired {len(ends)} times")
        check(ends[0][0] >= due, f"it fired {due - ends[0][0]} ms early")
        check(self.effects() == ["after"], f"effects: {self.effects()}")
        self.check_tables()


def P8__a_timer_fires_when_the_clock_jumps_past_it(build, _):
    with ClockWorld(build) as world:
        process = world.nap(2 * 3600)
        time.sleep(0.2)
        check(not world.has_woken(), "it fired at once")
        world.jump(2 * HOUR + 1000)
        out, err = process.communicate(timeout=LIMIT_SECONDS)
        check(process.returncode == 0, f"exit {process.returncode}\n{out}{err}")
        world.check_timer()


def P8__a_clock_that_goes_back_delays_it(build, _):
    for seconds in (1, 5, 25, 125):
        with ClockWorld(build) as world:
            process = world.nap(seconds)
            world.jump(-HOUR)
            left_ms = world.due() - time.time() * 1000
            if left_ms < 0:
                continue  # it came too late: once more, with more time
            time.sleep(left_ms / 1000 + 1)
            check(process.poll() is None and not world.has_woken(), "it fired an hour early")
            world.jump(0)
            out, err = process.communicate(timeout=LIMIT_SECONDS)
            check(process.returncode == 0, f"exit {process.returncode}\n{out}{err}")
            world.check_timer()
            return
    raise AssertionError("the clock cannot be set in time")


def P8__a_timer_survives_its_process(build, _):
    """Killed while it waits; whoever comes before the time waits, whoever comes after it fires."""
    with ClockWorld(build) as world:
        process = world.nap(3600)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=LIMIT_SECONDS)
        world.jump(-HOUR)
        world.run("run", LINGER, "-i", "seconds=0.3", "-q", expect=0)
        check(not world.has_woken(), "it fired two hours early")
        world.jump(HOUR - 60000)
        world.run("run", LINGER, "-i", "seconds=0.3", "-q", expect=0)
        check(not world.has_woken(), "it fired a minute early")
        world.jump(HOUR + 1000)
        process = world.linger(600)
        wait_until("it fires", lambda: world.has_ended("main"))
        process.kill()
        process.communicate(timeout=LIMIT_SECONDS)
        world.check_timer()


def P8__a_jump_while_a_process_recovers_it(build, is_long):
    with ClockWorld(build) as world:
        for offset in (0, 5 * HOUR, -3 * HOUR, HOUR) if is_long else (0, -3 * HOUR):
            world.jump(offset)
            if not world.exists():
                process = world.nap(3600 * 24)
            else:
                process = world.linger(600)
                time.sleep(0.3)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=LIMIT_SECONDS)
            check(not world.has_woken(), f"it fired at offset {offset}")
        world.jump(25 * HOUR)
        process = world.linger(600)
        wait_until("it fires", lambda: world.has_ended("main"))
        process.kill()
        process.communicate(timeout=LIMIT_SECONDS)
        world.check_timer()


if __name__ == "__main__":
    sys.exit(main([P8__a_timer_fires_when_the_clock_jumps_past_it,
                   P8__a_clock_that_goes_back_delays_it, P8__a_timer_survives_its_process,
                   P8__a_jump_while_a_process_recovers_it]))
