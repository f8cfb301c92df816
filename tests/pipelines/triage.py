# SPDX-License-Identifier: Apache-2.0
"""The issue triage on services of its own: a copy of its folder without rate limits and with short
waits, a state folder, and what came of it.

    with Triage(build, issues=8) as triage:
        done = triage.run()
        triage.made()["comments"]
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "config" / "pipelines" / "issue_triage"
LIMIT_SECONDS = 240

SECRETS = {"GITHUB_TOKEN": "ghp_good_token_0123456789", "LLM_KEY": "good-key", "NOTION_TOKEN": "notion-key",
           "SHORTCUT_TOKEN": "sct_good_token_0123456789", "SLACK_TOKEN": "xoxb-good"}


def check(holds, why):
    if not holds:
        raise AssertionError(why)


def wait_until(what, holds, seconds=LIMIT_SECONDS):
    end = time.monotonic() + seconds
    while not holds():
        check(time.monotonic() < end, f"never: {what}")
        time.sleep(0.02)


class Triage:
    """`with_all`: whatever can be set up is."""

    def __init__(self, build, issues=8, latency=0, with_all=True, keeps_rates=False, seed=1):
        self.program = str(Path(build, "bin", "opstream").resolve())
        self.folder = Path(tempfile.mkdtemp(prefix="opstream-triage-"))
        self.pipeline = self.folder / "issue_triage" / "issue_triage.yaml"
        shutil.copytree(SOURCE, self.pipeline.parent)
        if not keeps_rates:
            self.hurry(self.pipeline.parent)
        self.services = subprocess.Popen(
            [sys.executable, HERE / "services.py", "--issues", str(issues), "--latency", str(latency),
             "--seed", str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.urls = {name: f"http://127.0.0.1:{port}"
                     for name, port in json.loads(self.services.stdout.readline()).items()}
        self.env = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "OPSTREAM_STATE": str(self.folder / "state"),
                    "GITHUB_API_URL": self.urls["github"], "LLM_BASE_URL": self.urls["llm"] + "/v1",
                    "SHORTCUT_API_URL": self.urls["shortcut"], "SLACK_API_URL": self.urls["slack"],
                    "NOTION_URL": self.urls["notion"], "TRIAGE_FOLDER": str(self.folder / "reports")}
        self.env.update({k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "LSAN_", "UBSAN_", "TSAN_"))})
        self.env.update({f"OPSTREAM_SECRET_{name}": value for name, value in SECRETS.items()
                         if with_all or name in ("GITHUB_TOKEN", "LLM_KEY")})
        if with_all:
            self.env.update({"NOTION_PAGE": "page", "SHORTCUT_STATE": "Ready", "SLACK_CHANNEL": "#issues",
                             "SLACK_ALARM": "#alarm", "TRIAGE_EMAIL": "team@mail.test", "SMTP_TLS": "none",
                             "SMTP_URL": self.urls["mail"].replace("http", "smtp"), "TRIAGE_WEBHOOK": self.urls["webhook"] + "/hook"})
        self.processes = []

    @staticmethod
    def hurry(folder):
        """No rates, and short waits."""
        for file in folder.glob("*.yaml"):
            text = re.sub(r"rate_limit: [^\n]+", "rate_limit: off", file.read_text())
            text = text.replace("initial_interval: 500ms, max_interval: 1m",
                                "initial_interval: 20ms, max_interval: 500ms")
            file.write_text(text.replace("{wait: 2m}", "{wait: 300ms}"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.end_engines()
        self.services.stdin.close()
        self.services.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_engines(self):
        """Those in the background that commands have left: they have the state of this folder alone."""
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if os.fsencode(os.path.join(self.folder, "state")) in command.read_bytes().split(b"\0"):
                    os.kill(int(command.parent.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass  # it has ended meanwhile, or is somebody else's

    # ---- the services ----

    def ask(self, path, told=None):
        body = json.dumps(told).encode() if told is not None else None
        with urllib.request.urlopen(self.urls["control"] + path, body, timeout=LIMIT_SECONDS) as answer:
            return json.load(answer)

    def set(self, **told):
        self.ask("/set", told)

    def counts(self):
        return self.ask("/counts")

    def made(self):
        return self.ask("/made")

    def asked(self):
        """The questions to the model, the oldest first."""
        return self.ask("/asked")

    def change(self, file, old, new):
        """Of the copy of the pipeline."""
        path = self.pipeline.parent / file
        text = path.read_text()
        check(text.count(old) == 1, f"{file} has not one {old!r}")
        path.write_text(text.replace(old, new))

    # ---- the program ----

    def command(self, *words, timeout=LIMIT_SECONDS, **variables):
        return subprocess.run([self.program, *map(str, words)], cwd=self.folder, env={**self.env, **variables},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)

    def spawn(self, *words):
        """A command whose output nobody reads; it is killed where it has not ended before."""
        process = subprocess.Popen([self.program, *map(str, words)], cwd=self.folder, env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def result(self, *words, **variables):
        """A run, and all that is told of it; an error when it failed."""
        done = self.command("run", self.pipeline, "--json", "-i", "repo=octocat/hello", *words, **variables)
        check(done.returncode == 0, f"exit {done.returncode}\n{done.stdout[:4000]}\n{done.stderr[:4000]}")
        return json.loads(done.stdout)

    def run(self, *words, **variables):
        """What a run gave."""
        return self.result(*words, **variables)["output"]

    def refuse(self, *words, **variables):
        """What a run that cannot be says."""
        done = self.command("run", self.pipeline, "-q", *words, **variables)
        check(done.returncode != 0, f"it was not refused: {done.stdout}")
        return done.stdout + done.stderr

    # ---- an engine that is killed ----

    def serve(self):
        site = self.folder / "site.yaml"
        site.write_text("sandbox: none\n")
        log = self.folder / f"engine{len(self.processes)}.log"
        with open(log, "w", encoding="utf-8") as out:
            process = subprocess.Popen([self.program, "serve", "--config", site], cwd=self.folder, env=self.env,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.processes.append(process)
        wait_until("the engine serves", lambda: " serving" in log.read_text(encoding="utf-8"))
        return process

    @staticmethod
    def kill(process):
        process.send_signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LIMIT_SECONDS)

    def start(self, *words):
        done = self.command("start", self.pipeline, "-i", "repo=octocat/hello", *words)
        check(done.returncode == 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def status(self, run):
        done = self.command("status", run, "--json")
        check(done.returncode == 0, done.stdout + done.stderr)
        return json.loads(done.stdout)
