# SPDX-License-Identifier: Apache-2.0
"""Ten times as much as there is room for: memory stays flat, and nothing is half done.

usage: overload.py BUILD [--long] [CASE]
"""

import http.client
import json
import os
import socket
import sys
import threading
import time

from world import LIMIT_SECONDS, World, check, is_sanitized, main

CLIENTS = 64
FULL = 60  # runs at once
SITE = f"sandbox: none\nbackpressure: {{max_live_runs: {FULL}}}\n"
MIB = 1024 * 1024

# 60 of them at once end 200 a second; the clients bring more than ten times that.
PIPELINE = {"id": "main",
            "input": {"type": "object", "properties": {"pad": {"type": "string"}}},
            "nodes": [{"id": "nap", "type": "wait", "config": {"seconds": 0.3}}]}


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("x", timeout=LIMIT_SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Flood:
    """Clients that start runs as fast as they can, each with a key of its own."""

    def __init__(self, world, pad=0):
        self.world = world
        self.body = {"definition": json.dumps(PIPELINE), "input": {"pad": "x" * pad}}
        self.accepted = {}  # key: id
        self.refused = set()
        self.waits = set()  # of Retry-After
        self.odd = []
        self.is_over = False
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def ask(self, connection, key):
        body = json.dumps(dict(self.body, key=key))
        connection.request("POST", "/api/v1/jobs", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 201:
            self.accepted[key] = json.loads(text)["id"]
        elif answer.status == 429:
            self.refused.add(key)
            self.waits.add(answer.getheader("Retry-After"))
        elif answer.status != 503:  # it is ending
            self.odd.append((answer.status, text))

    def work(self, number):
        connection = Connection(str(self.world.state / "control.sock"))
        count = 0
        while not self.is_over:
            count += 1
            try:
                self.ask(connection, f"{number}-{count}")
            except (OSError, http.client.HTTPException):  # nobody knows what became of it
                connection.close()
                time.sleep(0.02)
        connection.close()

    def check_kept(self):
        """Call when all has ended."""
        rows = dict(self.world.rows("SELECT key, id FROM runs WHERE workflow = 'main'"))
        states = self.world.rows("SELECT DISTINCT state FROM runs WHERE workflow = 'main'")
        check(not self.odd, f"answers: {self.odd[:3]}")
        check(states == [("completed",)], f"runs are {states}")
        lost = {key for key, run in self.accepted.items() if rows.get(key) != run}
        check(not lost, f"{len(lost)} accepted runs are not there: {sorted(lost)[:3]}")
        kept = self.refused & rows.keys()
        check(not kept, f"{len(kept)} refused runs are there: {sorted(kept)[:3]}")
        waits = {int(wait) for wait in self.waits}
        check(waits and min(waits) >= 1 and max(waits) <= 60, f"Retry-After: {waits}")


def begin_service(world):
    (world.folder / "site.yaml").write_text(SITE)
    with open(world.folder / "log", "a", encoding="utf-8") as log:
        service = world.start("serve", "--config", "site.yaml", stdout=log, stderr=log)
    end = time.monotonic() + LIMIT_SECONDS
    while not reaches(world):
        check(service.poll() is None, (world.folder / "log").read_text()[-2000:])
        check(time.monotonic() < end, "the service does not listen")
        time.sleep(0.01)
    return service


def reaches(world):
    connection = Connection(str(world.state / "control.sock"))
    try:
        connection.connect()
    except OSError:
        return False
    connection.close()
    return True


def wait_until_idle(world, seconds=LIMIT_SECONDS):
    end = time.monotonic() + seconds
    while world.rows("SELECT 1 FROM runs WHERE ended_at IS NULL LIMIT 1"):
        check(time.monotonic() < end, "runs do not end")
        time.sleep(0.05)


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measured(service, flood, seconds):
    """The most that it takes in the first third, and in the rest; before it has much to do, nothing
    says how much it needs."""
    most = [0, 0]
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        is_late = time.monotonic() - begin > seconds / 3
        if not is_late and len(flood.accepted) < FULL:
            begin = time.monotonic()
        most[is_late] = max(most[is_late], resident(service))
        check(not flood.odd, f"answers: {flood.odd[:3]}")
        time.sleep(0.05)
    return most


def P14__memory_stays_flat(build, is_long):
    seconds = 60 if is_long else 5
    with World(build) as world:
        service = begin_service(world)
        with Flood(world, pad=20000) as flood:
            early, late = measured(service, flood, seconds)
        wait_until_idle(world)
        print(f"    {len(flood.accepted)} accepted, {len(flood.refused)} refused in {seconds} s; "
              f"{early // MIB} MiB, then {late // MIB} MiB")
        check(len(flood.refused) > len(flood.accepted), "there was no overload")
        if not is_sanitized(service.pid):
            check(late < early + 16 * MIB, f"{early // MIB} MiB grew to {late // MIB} MiB")
            check(late < 160 * MIB, f"{late // MIB} MiB")
        flood.check_kept()


if __name__ == "__main__":
    sys.exit(main([P14__memory_stays_flat]))
