# SPDX-License-Identifier: Apache-2.0
"""What the counterparts share: packages, processes, and runs of the built program."""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

LIMIT_SECONDS = 120


class Skipped(Exception):
    """Something is not installed."""


class Place:
    """Where things are."""

    def __init__(self, build, scripts, kit):
        self.build, self.scripts, self.kit = build, scripts, kit

    def module(self, name):
        return self.kit / "node_modules" / name

    def need(self, *packages):
        missing = [p for p in packages if not self.module(p.rpartition("@")[0]).is_dir()]
        if missing:
            raise Skipped("not installed: " + ", ".join(missing))

    def script(self, name):
        found = self.scripts / name
        if not found.exists():
            raise Skipped(f"not there: {found}")
        return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Process:
    """A server, until the end of the with; its output is in `log`."""

    def __init__(self, command, url, env=None, cwd=None):
        self.url = url
        self.file = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen(command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=self.file,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT_SECONDS
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                text = self.log()
                self.__exit__()
                raise RuntimeError(f"{command[0]} does not answer at {url}: {text[-500:]}")
            time.sleep(0.2)

    def answers(self):
        try:
            urllib.request.urlopen(self.url, timeout=5).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def log(self):
        return pathlib.Path(self.file.name).read_text(encoding="utf-8", errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.file.close()


def run(place, definition, env):
    """The steps of a run by their id."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "p.json"), "w", encoding="utf-8") as out:
            json.dump(definition, out)
        done = subprocess.run(
            [place.build / "bin" / "opstream", "run", "p.json", "--json"], cwd=folder, check=False,
            capture_output=True, text=True, timeout=LIMIT_SECONDS,
            env={"HOME": folder, "PATH": os.environ["PATH"], "OPSTREAM_STATE": os.path.join(folder, "state"), **env})
    if not done.stdout.startswith("{"):
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    return {step["step_id"]: step for step in json.loads(done.stdout)["step_results"]}


def good(step):
    """The output of a step that must have gone well."""
    if step["status"] != "completed":
        raise AssertionError(f"{step['status']}: {(step['error'] or {}).get('message')}")
    return step["output"]


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")
