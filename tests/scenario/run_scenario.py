#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one scenario: a declarative file that starts the built program and says what must come.

usage: run_scenario.py BUILD_DIR FILE.scenario

README.md beside this file describes the format. Exit 0: all holds; 1: something does not, and the
whole story is printed; 2: the scenario itself cannot be read.
"""
import glob
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS = 240  # of one step; no scenario takes as long, but a busy machine may
GONE_SECONDS = 60
TOLD_CHARACTERS = 2000  # of each file in the folder of a scenario that failed
# On a busy machine any call may take long; that is said, and is not what scenarios are about.
SLOW_MACHINE = re.compile(r"^\S+Z warn a call of a node held the loop up .*\n", re.MULTILINE)


class Broken(Exception):
    """The scenario cannot be read."""


class Failed(Exception):
    """What must hold does not."""


def parse(path):
    """The steps of a scenario: (line number, verb, argument, body)."""
    steps = []
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            if line.startswith("-- "):
                verb, _, argument = line[3:].rstrip("\n").partition(" ")
                steps.append([number, verb, argument, ""])
            elif steps:
                steps[-1][3] += line
            elif line.strip() and not line.startswith("#"):
                raise Broken(f"{path}:{number}: text before the first step")
    return steps


def is_like(text, wanted):
    """The lines are the same; (*) stands for anything inside a line."""
    pattern = "[^\n]*".join(re.escape(part) for part in wanted.rstrip("\n").split("(*)"))
    return re.fullmatch(pattern, text.rstrip("\n")) is not None


class Scenario:
    """One scenario in a folder of its own."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.folder = tempfile.mkdtemp(prefix="scenario-")
        self.env = {
            "PATH": os.path.join(self.build, "bin") + ":/usr/local/bin:/usr/bin:/bin",
            "HOME": self.folder,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "BUILD": self.build,
            "SOURCE": os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
            "DIR": self.folder,
        }
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.runs = 0
        self.servers = []
        self.signals = []
        self.stdin = b""
        self.ran = None
        self.signalled = None  # when the last signal was sent

    def close(self):
        for server in self.servers:
            server.terminate()
            server.wait()
        self.end_engines()
        shutil.rmtree(self.folder, ignore_errors=True)

    def expand(self, text):
        return re.sub(r"\$([A-Z_]+)\b", lambda m: self.env.get(m.group(1), m.group(0)), text)

    # ---- steps that prepare ----

    def do_file(self, argument, body):
        path = os.path.join(self.folder, argument)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.expand(body))

    def do_bytes(self, argument, body):
        with open(os.path.join(self.folder, argument), "wb") as out:
            out.write(body.strip().encode().decode("unicode_escape").encode("latin-1"))

    def do_env(self, argument, _body):
        name, _, value = argument.partition("=")
        self.env[name] = self.expand(value)

    def do_stdin(self, _argument, body):
        self.stdin = body.encode()

    def do_shell(self, _argument, body):
        done = subprocess.run(["/bin/sh", "-ec", body], cwd=self.folder, env=self.environment(),
                              check=False, capture_output=True, timeout=LIMIT_SECONDS)
        if done.returncode != 0:
            raise Failed(f"the shell step ended with {done.returncode}:\n"
                         f"{done.stdout.decode()}{done.stderr.decode()}")

    def do_needs(self, argument, _body):
        for program in argument.split():
            if shutil.which(program, path=self.env["PATH"]) is None:
                print(f"skipped: {program} is not installed")
                sys.exit(77)

    def do_server(self, argument, _body):
        """Starts the test HTTP server; $PORT is its port, $CA (with --tls) the file to trust."""
        program = os.path.join(self.build, "tests/bin/http_test_server")
        server = subprocess.Popen([program] + shlex.split(argument), stdout=subprocess.PIPE,
                                  stdin=subprocess.PIPE, cwd=self.folder)
        self.servers.append(server)
        for word in server.stdout.readline().decode().split():
            if word.isdigit():
                self.env["PORT"] = word
                if "--tls" in argument:
                    self.env["CA"] = server.stdout.readline().decode().strip()
                return
        raise Failed("the HTTP server said no port")

    def do_signal(self, argument, _body):
        """-- signal INT when TEXT: sent when TEXT has been printed by the next run."""
        name, _, rest = argument.partition(" ")
        when, _, text = rest.partition(" ")
        if when != "when" or not text:
            raise Broken("write: -- signal NAME when TEXT")
        self.signals.append((getattr(signal, "SIG" + name), text))

    # ---- running ----

    def command(self, argument):
        return shlex.split(self.expand(argument))

    def environment(self, **more):
        """A state of its own for each command, unless the scenario names one."""
        self.runs += 1
        state = os.path.join(self.folder, f".state{self.runs}")
        return {"OPSTREAM_STATE": state, **self.env, **more}

    def end_engines(self):
        """Engines in the background, which runs that wait have left behind."""
        for lock in glob.glob(os.path.join(self.folder, "**", "state.lock"), recursive=True,
                              include_hidden=True):
            try:
                with open(lock, encoding="utf-8", errors="replace") as owner:
                    pid = int(re.search(r"\b(\d+)\b", owner.read())[1])
                with open(f"/proc/{pid}/cmdline", "rb") as source:
                    is_engine = b"--until-idle" in source.read()
                if is_engine:
                    os.kill(pid, signal.SIGTERM)
            except (OSError, TypeError):
                continue  # it has ended by itself, or nobody ever was the engine there

    def do_run(self, argument, _body):
        words = self.command(argument)
        child = subprocess.Popen(words, cwd=self.folder, env=self.environment(),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        started = time.monotonic()
        child.stdin.write(self.stdin)
        child.stdin.close()
        outputs = {child.stdout.fileno(): b"", child.stderr.fileno(): b""}
        self.collect(child, outputs, started)
        streams = list(outputs.values())
        self.ended(child.wait(), streams[0], streams[1], started)

    def do_terminal(self, argument, _body):
        """Runs the command on a terminal of 24 x 80; what it draws is the standard output."""
        words = self.command(argument)
        leader, follower = pty.openpty()
        env = self.environment(TERM="xterm-256color", COLUMNS="80", LINES="24")
        subprocess.run(["stty", "rows", "24", "cols", "80"], stdin=follower, check=True)
        started = time.monotonic()
        child = subprocess.Popen(words, cwd=self.folder, env=env, stdin=follower, stdout=follower,
                                 stderr=follower, start_new_session=True)
        os.close(follower)
        outputs = {leader: b""}
        self.collect(child, outputs, started)
        os.close(leader)
        self.ended(child.wait(), outputs[leader], b"", started)

    def collect(self, child, outputs, started):
        left = set(outputs)
        while left:
            if time.monotonic() - started > LIMIT_SECONDS:
                child.kill()
                raise Failed(f"no end within {LIMIT_SECONDS} s; so far: {outputs}")
            ready, _, _ = select.select(list(left), [], [], 1.0)
            for fd in ready:
                try:
                    piece = os.read(fd, 65536)
                except OSError:
                    piece = b""
                outputs[fd] += piece
                if not piece:
                    left.discard(fd)
            self.send_signals(child, b"".join(outputs.values()).decode(errors="replace"))

    def send_signals(self, child, text):
        while self.signals and self.signals[0][1] in text:
            child.send_signal(self.signals.pop(0)[0])
            self.signalled = time.monotonic()

    def ended(self, code, stdout, stderr, started):
        self.stdin = b""
        self.ran = {
            "exit": code if code >= 0 else 128 - code,
            "stdout": stdout.decode(errors="backslashreplace"),
            "stderr": stderr.decode(errors="backslashreplace"),
            "seconds": time.monotonic() - started,
            "seconds after signal": time.monotonic() - (self.signalled or started),
        }
        if self.signals:
            raise Failed(f"never printed: {self.signals[0][1]!r}")

    # ---- steps that check ----

    def do_exit(self, argument, _body):
        if self.ran["exit"] != int(argument):
            raise Failed(f"exit code {self.ran['exit']}, not {argument}")

    def shown(self, stream):
        """The output, with the names of folders that differ from run to run taken out."""
        text = SLOW_MACHINE.sub("", self.ran[stream])
        text = text.replace(self.folder, "$DIR").replace(self.build, "$BUILD")
        return text.replace(":" + self.env["PORT"], ":$PORT") if "PORT" in self.env else text

    def check_text(self, stream, argument, body):
        text = self.shown(stream)
        how, _, wanted = argument.partition(" ")
        if how == "has" and wanted not in text:
            raise Failed(f"{stream} has no {wanted!r}")
        if how == "lacks" and wanted in text:
            raise Failed(f"{stream} has {wanted!r}")
        if how == "matches" and not re.search(wanted, text, re.MULTILINE):
            raise Failed(f"{stream} does not match {wanted!r}")
        if how == "empty" and text:
            raise Failed(f"{stream} is not empty")
        if how == "is" and text.rstrip("\n") != body.rstrip("\n"):
            raise Failed(f"{stream} is not\n{body}")
        if how == "like" and not is_like(text, body):
            raise Failed(f"{stream} is not like\n{body}")
        if how not in ("has", "lacks", "matches", "empty", "is", "like"):
            raise Broken(f"{stream} {how}?")

    def do_stdout(self, argument, body):
        self.check_text("stdout", argument, body)

    def do_stderr(self, argument, body):
        self.check_text("stderr", argument, body)

    def do_json(self, argument, _body):
        """A Python expression over `j`, the standard output as JSON; must be true."""
        try:
            document = json.loads(self.ran["stdout"])
        except ValueError as why:
            raise Failed(f"stdout is not JSON: {why}") from why
        if not eval(argument, {"j": document, "re": re, "len": len,  # pylint: disable=eval-used
                               "step": lambda i: next(s for s in document["step_results"]
                                                      if s["step_id"] == i)}):
            raise Failed(f"not true: {argument}")

    def do_file_has(self, argument, _body):
        name, _, wanted = argument.partition(" ")
        with open(os.path.join(self.folder, name), encoding="utf-8") as source:
            if wanted not in source.read():
                raise Failed(f"{name} has no {wanted!r}")

    def do_no_file(self, argument, _body):
        if os.path.exists(os.path.join(self.folder, argument)):
            raise Failed(f"{argument} exists")

    def do_within(self, argument, _body):
        if self.ran["seconds"] > float(argument):
            raise Failed(f"took {self.ran['seconds']:.1f} s, more than {argument}")

    def do_after_signal(self, argument, _body):
        """The run ended within so many seconds after the last signal: its start does not count."""
        if self.ran["seconds after signal"] > float(argument):
            raise Failed(f"took {self.ran['seconds after signal']:.1f} s after the last signal, "
                         f"more than {argument}")

    def do_no_process(self, argument, _body):
        """No process with this text in its command line is left, or it goes soon."""
        until = time.monotonic() + GONE_SECONDS
        while time.monotonic() < until:
            if not self.processes(argument):
                return
            time.sleep(0.05)
        raise Failed(f"processes are left: {self.processes(argument)}")

    def processes(self, text):
        """Of this scenario: it may run more than once at a time on one machine."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd") != self.folder:
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as source:
                    line = source.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in line and int(pid) != os.getpid() and "run_scenario" not in line:
                found.append(line)
        return found


def tell(scenario):
    if scenario.ran is not None:
        for name in ("exit", "stdout", "stderr"):
            print(f"---- {name}\n{scenario.ran[name]}")
    for name in sorted(os.listdir(scenario.folder)):
        path = os.path.join(scenario.folder, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                print(f"---- file {name}\n{file.read()[:TOLD_CHARACTERS]}")


def let_signals_end_children():
    """What nohup and '&' let this ignore, children would, too; what it catches ends them."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def main():
    let_signals_end_children()
    build, path = sys.argv[1], sys.argv[2]
    scenario = Scenario(build)
    number = 0
    try:
        for number, verb, argument, body in parse(path):
            action = getattr(scenario, "do_" + verb.replace("-", "_"), None)
            if action is None:
                raise Broken(f"no step '{verb}'")
            action(argument, body)
    except Broken as why:
        print(f"{path}:{number}: cannot be read: {why}")
        return 2
    except (Failed, subprocess.TimeoutExpired, OSError) as why:
        print(f"{path}:{number}: {why}")
        tell(scenario)
        return 1
    finally:
        scenario.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
