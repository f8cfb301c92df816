# SPDX-License-Identifier: Apache-2.0
"""kill -9 while services fail, hang and come back: they count who calls them, by idempotency keys.

usage: services.py BUILD [--long] [CASE]
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from world import LIMIT_SECONDS, World, check, main, wait_until

SEED = int(os.environ.get("FAULT_SEED", "1"))
RUNS = 20
AT_ONCE = 25  # max_concurrency

PIPELINE = """\
id: main
integrations: {{http: {{circuit_breaker: {{{breaker}}}}}}}
nodes:
  - id: call
    type: http
    retry: {{max_attempts: 0, deadline: 24h, initial_interval: 5ms, max_interval: 50ms}}
    timeout: 5s
    config: {{url: "http://127.0.0.1:{port}/service/1", idempotency_key: true}}
"""


class Service:
    """The test server, as one service."""

    def __init__(self, build):
        program = Path(build, "tests", "bin", "http_test_server").resolve()
        self.process = subprocess.Popen([program, "--with-parent"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=LIMIT_SECONDS) as answer:
            return json.load(answer)

    def is_now(self, status, delay_ms=0):
        self.ask(f"service-is/1?{status},{delay_ms}")

    def counts(self):
        return self.ask("service-counts/1")


@contextlib.contextmanager
def both(build, breaker):
    with World(build) as world, Service(build) as service:
        file = world.folder / "main.yaml"
        file.write_text(PIPELINE.format(breaker=breaker, port=service.port))
        world.pipeline = file
        yield world, service


def breaker(world):
    """The only one, as the state or the engine says; None: there is none."""
    rows = json.loads(world.run("breakers", "--json", expect=0).stdout)["breakers"]
    check(len(rows) < 2, f"there are {len(rows)} breakers")
    return rows[0] if rows else None


def is_open(world):
    found = breaker(world)
    return found is not None and found["state"] == "open"


def look(world):
    """After the death of a process."""
    for run, count in world.rows("SELECT run, count(*) FROM journal WHERE type = 'run_ended'"
                                 " GROUP BY run"):
        check(count == 1, f"P6: run {run} ended {count} times")
    world.check_tables()


def check_end(world, service, kills):
    """All runs came to their end; each call was made once, or again after a kill with its key."""
    look(world)
    states = world.rows("SELECT state, count(*) FROM runs WHERE workflow = 'main' GROUP BY state")
    check(states == [("completed", RUNS)], f"the runs are {states}")
    counts = service.counts()
    check(counts["keys"] == RUNS, f"{RUNS} runs have sent {counts['keys']} keys")
    check(counts["again"] <= kills * AT_ONCE, f"{counts} after {kills} kills")
    if kills == 0:
        check(counts["again"] == 0, str(counts))


def P5__an_open_breaker_outlives_kills(build, is_long):
    with both(build, "reset_timeout: 1h") as (world, service):
        service.is_now(503)
        for _ in range(RUNS):
            world.begin(world.pipeline)
        wait_until("the breaker opens", lambda: is_open(world))
        wait_until("all calls have ended", lambda: service.counts()["active"] == 0)
        before = breaker(world)
        calls = service.counts()["calls"]
        service.is_now(200)
        for _ in range(10 if is_long else 3):
            world.kill_owner(may_have_ended=True)
            look(world)
            check(breaker(world) == before, f"the breaker was {before}, is {breaker(world)}")
            world.wait(world.linger(0.3))
            check(breaker(world) == before, f"the breaker was {before}, is {breaker(world)}")
        check(service.counts()["calls"] == calls, "it was called though its breaker was open")
        linger = world.linger(600)
        wait_until("there is an engine", lambda: world.owner() is not None)
        world.run("breakers", "close", "127.0.0.1", expect=0)
        wait_until("the runs end", lambda: world.has_ended("main"))
        linger.kill()
        linger.communicate()
        check(service.counts()["calls"] == calls + RUNS, f"{service.counts()}, not {calls} + {RUNS}")
        check_end(world, service, 0)


def P5__a_trial_that_is_cut_off_is_made_again(build, is_long):
    with both(build, "reset_timeout: 100ms, half_open_timeout: 30s") as (world, service):
        kills = 0
        service.is_now(503)
        for _ in range(RUNS):
            world.begin(world.pipeline)
        wait_until("the breaker opens", lambda: is_open(world))
        service.is_now(0)
        for _ in range(6 if is_long else 2):
            wait_until("one tries it", lambda: service.counts()["active"] > 0)
            check(service.counts()["active"] == 1, f"{service.counts()}: more than one trial")
            world.kill_owner()
            kills += 1
            wait_until("its call is gone", lambda: service.counts()["active"] == 0)
            look(world)
            world.linger(600)
        service.is_now(200)
        wait_until("the runs end", lambda: world.has_ended("main"))
        check(service.counts()["most_active"] <= AT_ONCE, str(service.counts()))
        world.kill_owner(may_have_ended=True)
        check_end(world, service, kills)


def disturb(build, rng):
    """The service changes its mind, and the engine dies, at any moment."""
    with both(build, "failure_threshold: 3, reset_timeout: 50ms") as (world, service):
        kills = 0
        service.is_now(503)
        for _ in range(RUNS):
            world.begin(world.pipeline)
        for _ in range(rng.randrange(2, 7)):
            service.is_now(rng.choice([200, 503, 503, 0]), rng.choice([0, 5, 40]))
            time.sleep(rng.uniform(0, 0.3))
            if rng.random() < 0.7 and world.owner() is not None:
                world.kill_owner(may_have_ended=True)
                kills += 1
                look(world)
                world.linger(600)
        service.is_now(200)
        if world.owner() is None and not world.has_ended("main"):
            world.linger(600)
        wait_until("the runs end", lambda: world.has_ended("main"))
        world.kill_owner(may_have_ended=True)
        check_end(world, service, kills)


def P3__P5__P6__killed_while_a_service_fails(build, is_long):
    for seed in range(SEED, SEED + (60 if is_long else 4)):
        try:
            disturb(build, random.Random(seed))
        except AssertionError as error:
            raise AssertionError(f"FAULT_SEED={seed}: {error}") from error


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main([P5__an_open_breaker_outlives_kills, P5__a_trial_that_is_cut_off_is_made_again,
                   P3__P5__P6__killed_while_a_service_fails]))
