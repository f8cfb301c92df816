# SPDX-License-Identifier: Apache-2.0
"""A state folder with runs in it, the built program on it, and what must hold of both at any time."""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
LIMIT_SECONDS = 240  # of what a busy machine may take its time for; no test takes as long
PIPELINE = Path(__file__).resolve().parent / "mixed.yaml"
HOLD = Path(__file__).resolve().parent / "hold.yaml"
LINGER = Path(__file__).resolve().parent / "linger.yaml"

# The code node of `mixed.yaml` that writes a line into the log of effects, by its line.
EFFECTS = ["first", "second", "do_it", "each[0]", "each[1]", "each[2]", "call/one",
           "machine/work", "doomed/make", "doomed/undo:make"]


class Skip(Exception):
    """This cannot be tried here; says why."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def is_sanitized(pid):
    """Its memory and its times are not those of the program."""
    return any(name in Path(f"/proc/{pid}/maps").read_text() for name in ("libasan", "libtsan"))


def is_there(pid):
    """It holds something: its lock is free when the last of its threads is gone."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":" in line)
    except OSError:
        return False
    return status["State"].split()[0] not in "ZX" or int(status.get("Threads", 0)) > 1


def wait_until(what, holds, seconds=LIMIT_SECONDS):
    """What holds at last."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        check(time.monotonic() < end, f"never: {what}")
        time.sleep(0.005)


def can_trace():
    """strace is there, and the kernel lets it."""
    try:
        done = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True,
                              timeout=LIMIT_SECONDS, check=False)
    except FileNotFoundError as error:
        raise Skip("strace is not installed") from error
    if done.returncode != 0:
        raise Skip("strace may not trace here: " + done.stderr.decode().strip())


CALLS = "write,pwrite64,fdatasync,fsync,rename,unlink,ftruncate,mkdir"


def under(world, fault, calls=CALLS):
    """The words before a command that have strace do `fault` to calls on the state."""
    paths = []
    for name in ("state.db", "state.db-wal", "state.db.new", "state.db.new-journal", "state.lock", ""):
        paths += ["-P", str(world.state / name)]
    return ["strace", "-f", "-qqq", "-o", "/dev/null", *paths, "-e", f"trace={calls}",
            "-e", f"inject={calls}:{fault}"]


class World:
    """One folder below /tmp with a state, removed at the end."""

    def __init__(self, build):
        self.program = str(Path(build, "bin", "opstream").resolve())
        self.folder = Path(tempfile.mkdtemp(prefix="opstream-fault-"))
        self.state = self.folder / "st"
        self.log = self.folder / "effects"
        self.log.write_text("")
        self.env = dict(os.environ, LOG=str(self.log), XDG_CACHE_HOME=str(self.folder / "cache"))
        self.env.pop("OPSTREAM_STATE", None)
        self.processes = []
        self.records = {}  # (run, seq): what was durable when it was looked at last
        self.settled = {}  # effect: how often it had happened when its node had ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        owner = self.owner()
        if owner is not None:
            os.kill(owner, signal.SIGKILL)
        for root, folders, _ in os.walk(self.folder):
            for name in folders:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(root, name), 0o700)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- processes ----

    def owner(self):
        """The process that is the engine of the state; None: nobody."""
        with contextlib.suppress(OSError, IndexError):
            word = (self.state / "state.lock").read_text(errors="replace").split()[1]
            if os.readlink(f"/proc/{word}/exe") == self.program and self.has_open(word):
                return int(word)
        return None

    def has_open(self, pid):
        """Whether the process has a file of the state open; others may close meanwhile."""
        for file in Path("/proc", pid, "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(file).startswith(str(self.state)):
                    return True
        return False

    def kill_owner(self, may_have_ended=False):
        """kill -9, and it is gone."""
        owner = self.owner()
        if owner is None and may_have_ended:
            return
        check(owner is not None, "nobody is the engine")
        os.kill(owner, signal.SIGKILL)
        while is_there(owner):
            time.sleep(0.002)

    def begin(self, *args, **options):
        """`opstream start`: the id."""
        return self.run("start", *args, expect=0, **options).stdout.strip()

    def command(self, *args, state=True):
        return [self.program, *map(str, args)] + (["--state", str(self.state)] if state else [])

    def start(self, *args, before=(), **options):
        """A process in a group of its own; `before` is what it runs under."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        # LeakSanitizer cannot look while another program traces.
        env = dict(self.env, ASAN_OPTIONS="detect_leaks=0") if before else self.env
        options.setdefault("env", env)
        process = subprocess.Popen([*map(str, before), *self.command(*args)], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, text=True, start_new_session=True,
                                   errors="replace", **options)
        self.processes.append(process)
        return process

    def run(self, *args, before=(), timeout=LIMIT_SECONDS, expect=None, **options):
        process = self.start(*args, before=before, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"{args} took more than {timeout} s\n{out}\n{err}") from error
        done = subprocess.CompletedProcess(args, process.returncode, out, err)
        if expect is not None:
            check(done.returncode == expect,
                  f"{args}: exit {done.returncode}, not {expect}\n{out}\n{err}")
        return done

    def linger(self, seconds=0.5, **options):
        """A process that stays for a while on the state, and goes on with what is left there."""
        return self.start("run", LINGER, "-i", f"seconds={seconds}", "-q", **options)

    def finish(self, workflow="main", rounds=60):
        """Processes come and go until the run has ended."""
        for _ in range(rounds):
            if self.has_ended(workflow):
                return
            self.wait(self.linger())
        raise AssertionError(f"'{workflow}' has not ended after {rounds} processes: "
                             + str(self.rows("SELECT id, state, blocked FROM runs")))

    @staticmethod
    def wait(process, timeout=LIMIT_SECONDS):
        out, err = process.communicate(timeout=timeout)
        check(process.returncode in (0, 1), f"exit {process.returncode}\n{out}\n{err}")

    # ---- the state ----

    def rows(self, sql, *parameters):
        """Reads beside whoever owns the state; never writes, also not at the close."""
        file = self.state / "state.db"
        if not file.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=LIMIT_SECONDS)) as db:
            return db.execute(sql, parameters).fetchall()

    def has_ended(self, workflow):
        rows = self.rows("SELECT count(*), count(ended_at) FROM runs WHERE workflow = ?", workflow)
        return bool(rows) and rows[0][0] > 0 and rows[0][0] == rows[0][1]

    def exists(self, workflow="main"):
        return bool(self.rows("SELECT 1 FROM runs WHERE workflow = ?", workflow))

    def effects(self):
        return self.log.read_text().split("\n")[:-1]

    def paths(self, kind):
        """Full paths ("call/one") of the records of this type, once for each."""
        return [(parent + "/" if parent else "") + path for parent, path in self.rows(
            "SELECT r.parent_path, j.path FROM journal j JOIN runs r USING (run)"
            " WHERE j.type = ? AND (r.workflow = 'main' OR r.parent IS NOT NULL)", kind)]

    def result(self, workflow="main"):
        """What a run gave, without times."""
        (body, state), = self.rows(
            "SELECT j.body, r.state FROM runs r JOIN journal j ON j.id = r.record"
            " WHERE r.workflow = ?", workflow)
        return state, json.loads(body).get("output")

    # ---- what must hold ----

    def look(self):
        """After the death of a process, before the next one: nothing that was said is taken back."""
        if not (self.state / "state.db").exists():
            return
        now = {(run, seq): rest for run, seq, *rest in self.rows(
            "SELECT run, seq, type, path, attempt, at, body, blob FROM journal")}
        for key, record in self.records.items():
            check(now.get(key) == record, f"P4: record {key} was {record}, is {now.get(key)}")
        self.records = now
        started = self.paths("node_started")
        ended = set(self.paths("node_ended"))
        effects = self.effects()
        for name in EFFECTS:
            count = effects.count(name)
            check(count <= started.count(name),
                  f"P3: effect of '{name}' {count} times, started {started.count(name)} times")
            if name in self.settled:
                check(count == self.settled[name],
                      f"'{name}' ran again after its end was durable: {count} effects")
            elif name in ended:
                check(count >= 1, f"'{name}' ended without its effect")
                self.settled[name] = count
        for run, count in self.rows("SELECT run, count(*) FROM journal WHERE type = 'run_ended'"
                                    " GROUP BY run"):
            check(count == 1, f"P6: run {run} ended {count} times")
        self.check_tables()

    def check_tables(self):
        done = self.run("db", "check")
        check(done.returncode == 0, f"db check: {done.returncode}\n{done.stdout}{done.stderr}")

    def check_end(self, expected):
        self.look()
        check(self.result() == expected, f"the result is {self.result()}, not {expected}")
        effects = self.effects()
        for name in EFFECTS:
            check(name in effects, f"'{name}' never had its effect")
        check("leave_it" not in effects, "the way not taken had its effect")
        check(not self.rows("SELECT 1 FROM runs WHERE blocked IS NOT NULL"), "a run is blocked")


def undisturbed(build):
    """The result of `mixed.yaml`, and how long it takes."""
    with World(build) as world:
        begin = time.monotonic()
        world.run("run", f"{PIPELINE}#main", "-q", expect=0)
        took = time.monotonic() - begin
        world.look()
        return world.result(), took


def main(cases):
    """Runs the functions `cases`, each with the build folder; --long sets options.is_long."""
    build = sys.argv[1]
    is_long = "--long" in sys.argv[2:]
    wanted = [name for name in sys.argv[2:] if not name.startswith("--")]
    skipped = 0
    failed = 0
    cases = [case for case in cases if not wanted or any(re.search(w, case.__name__) for w in wanted)]
    for case in cases:
        begin = time.monotonic()
        try:
            case(build, is_long)
            word = "ok"
        except Skip as why:
            word = f"skipped: {why}"
            skipped += 1
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            word = f"FAILED: {type(error).__name__}: {error}"
            failed += 1
        print(f"{case.__name__}: {word} ({time.monotonic() - begin:.1f} s)", flush=True)
    if failed > 0:
        return 1
    return SKIPPED if skipped == len(cases) else 0
