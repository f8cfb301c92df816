# SPDX-License-Identifier: Apache-2.0
"""What tests of a plugin in the built program share: runs of pipelines, and what came of them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

LIMIT_SECONDS = 120
QUICK = {"initial_interval": "1ms", "max_attempts": 3}


def check(holds, why):
    if not holds:
        raise AssertionError(why)


def equal(found, wanted):
    check(found == wanted, f"{found!r} is not {wanted!r}")


def has(text, *words):
    for word in words:
        check(word in text, f"{text!r} has no {word!r}")


class Ran:
    """How a run ended."""

    def __init__(self, done):
        self.text = done.stdout + done.stderr
        self.code = done.returncode
        self.result = json.loads(done.stdout) if done.stdout.startswith("{") else None
        self.steps = {s["step_id"]: s for s in (self.result or {}).get("step_results", [])}

    def output(self, node="n"):
        check(self.code == 0, f"the run failed: {self.text}")
        return self.steps[node]["output"]

    def error(self, node="n"):
        check(self.code == 1, f"the run did not fail: {self.text}")
        return self.steps[node]["error"]

    def refusal(self):
        """What was said of a definition that no run was begun with."""
        check(self.code == 3, f"the definition was not refused: {self.text}")
        return self.text


class Program:
    """The built program, for runs in folders of their own."""

    def __init__(self, build):
        self.path = os.path.join(os.path.abspath(build), "bin", "opstream")

    @staticmethod
    def env(folder, variables):
        return {"HOME": folder, "PATH": os.environ["PATH"], "OPSTREAM_STATE": os.path.join(folder, "state"), **variables}

    def opstream(self, folder, words, variables):
        return subprocess.run([self.path, *words], cwd=folder, env=self.env(folder, variables), capture_output=True,
                              text=True, timeout=LIMIT_SECONDS, check=False)

    def run(self, definition, **variables):
        """A definition as a map, or as the text of its file."""
        with tempfile.TemporaryDirectory() as folder:
            return self.run_in(folder, definition, **variables)

    def run_in(self, folder, definition, **variables):
        """The same in a folder that is there: what the plugin keeps stays in it."""
        with open(os.path.join(folder, "p.yaml"), "w", encoding="utf-8") as out:
            out.write(definition if isinstance(definition, str) else json.dumps(definition))
        return Ran(self.opstream(folder, ["run", "p.yaml", "--json"], variables))

    def run_killed(self, service, call, definition, **variables):
        """Kills the engine once the work of `call` is done and not answered; a later one ends the run."""
        done, over = threading.Event(), threading.Event()

        def keep_the_answer(handler, work):
            work()
            done.set()
            over.wait(LIMIT_SECONDS)
            handler.close()
        service.fail(call, keep_the_answer)
        with tempfile.TemporaryDirectory() as folder:
            other = {"id": "other", "nodes": [{"id": "w", "type": "wait", "config": {"seconds": 0.2}}]}
            for name, content in {"p.json": definition, "other.json": other}.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                    json.dump(content, out)
            with subprocess.Popen([self.path, "run", "p.json", "-q"], cwd=folder, env=self.env(folder, variables),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as engine:
                check(done.wait(LIMIT_SECONDS), f"{call} was not called")
                engine.kill()
            over.set()
            listed = ""
            end = time.monotonic() + LIMIT_SECONDS
            while not re.search(rf"completed +{definition['id']}\b", listed) and time.monotonic() < end:
                for command in (["run", "other.json", "-q"], ["list"]):
                    listed = self.opstream(folder, command, variables).stdout
            has(listed, "completed")


def examples_of(folder, plugin):
    """The YAML blocks of a plugin's README; its table and they must name all types of its manifest."""
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as source:
        text = source.read()
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as source:
        types = sorted(node["type"] for node in json.load(source)["nodes"])
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown = {name for block in blocks for name in re.findall(rf"type: ({plugin}\.\w+)", block)}
    equal(sorted(re.findall(rf"^\| `({plugin}\.\w+)`", text, re.MULTILINE)), types)
    equal(sorted(shown), types)
    return blocks


def run_cases(service_class, cases, wanted):
    """Each case with a service of its own; the exit code."""
    failed = []
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        with service_class() as service:
            try:
                case(service)
                print(f"{case.__name__}: good", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed.append(case.__name__)
                print(f"{case.__name__}: FAILED", flush=True)
                traceback.print_exc(file=sys.stdout)
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


def cases_of(module, *names):
    """The functions of a test that take the service, and nothing else, by one of those names."""
    return [f for f in vars(module).values() if getattr(f, "__module__", None) == module.__name__
            and getattr(f, "__code__", None) and f.__code__.co_argcount == 1 and f.__code__.co_varnames[0] in names]
