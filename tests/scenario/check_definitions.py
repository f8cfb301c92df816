#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_definitions.py BUILD FOLDER [FILE=refused|FILE=profile]...

Validates, plans, draws and runs every definition of a folder with the stand-ins for services.
A file that is `refused` must be said to be no pipeline; a `profile` loads and cannot start. What
would take long or leave this machine is changed in a copy: waits and durations become short, URLs
lead to a test server. Inputs, constants and secrets that a definition reads are made up.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

VALUES = {"value": 21}  # what reads as a number; all else is text


class Failed(Exception):
    """A definition did not do what it must."""


class Checker:
    def __init__(self, build, folder, expected):
        self.build = os.path.abspath(build)
        self.folder = folder
        self.expected = expected
        self.env = {
            "PATH": os.path.join(self.build, "bin") + ":/usr/local/bin:/usr/bin:/bin",
            "OPSTREAM_PLUGIN_PATH": os.path.join(self.build, "tests/stand_ins"),
            "LANG": "C.UTF-8",
        }
        self.work = tempfile.TemporaryDirectory(prefix="definitions-")
        self.env["HOME"] = self.work.name
        self.env["OPSTREAM_STATE"] = os.path.join(self.work.name, ".state")
        self.server = subprocess.Popen([os.path.join(self.build, "tests/bin/http_test_server"),
                                        "--with-parent"], stdout=subprocess.PIPE)
        self.url = "http://127.0.0.1:" + self.server.stdout.readline().decode().strip()

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.work.cleanup()

    def opstream(self, *words, codes=(0,)):
        done = subprocess.run(["opstream", *words], cwd=self.work.name, env=self.env, timeout=240,
                              check=False, capture_output=True, text=True)
        if done.returncode not in codes:
            raise Failed(f"opstream {' '.join(words)}: ended with {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def copy(self, name):
        """The definition with nothing in it that takes long or leaves this machine."""
        with open(os.path.join(self.folder, name), encoding="utf-8") as source:
            text = source.read()
        short = re.sub(r'("?seconds"?: *)[0-9.]+', r"\g<1>0.02", text)
        short = re.sub(r'("?duration"?: *)"?[0-9]+[a-z]+"?', r'\g<1>"200ms"', short)
        short = re.sub(r'https?://[^"\s]*example\.com[^"\s]*', self.url + "/echo", short)
        with open(os.path.join(self.work.name, name), "w", encoding="utf-8") as out:
            out.write(short)
        return text

    def settle(self, text):
        """Makes up what the text reads from outside; returns the options that give it."""
        ids = set(re.findall(r'"?(?:id|name)"?: *"?([A-Za-z_]\w*)', text))
        names = set(re.findall(r"\binput\.([A-Za-z_]\w*)", text))
        names |= set(re.findall(r"(?<!\$)\$\{([a-z_]\w*)\}", text)) - {"date", "time"} - ids
        for secret in re.findall(r"\bsecrets\.([A-Za-z_]\w*)", text):
            self.env["OPSTREAM_SECRET_" + secret.upper()] = "made-up"
        constants = {name: "made-up" for name in re.findall(r"\bconfig\.([A-Za-z_]\w*)", text)}
        with open(os.path.join(self.work.name, "site.yaml"), "w", encoding="utf-8") as out:
            json.dump({"config": constants}, out)
        with open(os.path.join(self.work.name, "input.json"), "w", encoding="utf-8") as out:
            json.dump({name: VALUES.get(name, "some text") for name in names}, out)
        return ["--config", "site.yaml"]


    def run(self, target, options):
        for how in (["plan", target], *(["graph", target, "--format", form]
                                        for form in ("text", "mermaid", "dot", "svg"))):
            if not self.opstream(*how, *options).stdout.strip():
                raise Failed(f"opstream {' '.join(how)} printed nothing")
        done = self.opstream("run", target, "--input", "input.json", "--json", *options)
        result = json.loads(done.stdout)
        if result["status"] != "completed":
            raise Failed(f"{target}: {result['status']}: {result.get('error_message')}")
        failed = [step["step_id"] for step in result["step_results"] if step["status"] == "failed"]
        if failed:
            raise Failed(f"{target}: failed steps: {failed}")
        return len(result["step_results"])

    def check(self, name):
        text = self.copy(name)
        expected = self.expected.get(name)
        if expected == "refused":
            done = self.opstream("validate", name, codes=(3,))
            if "not a pipeline" not in done.stderr:
                raise Failed(f"{name}: refused with\n{done.stderr}")
            return "refused: " + done.stderr.splitlines()[0].split("error: ")[1]
        options = self.settle(text)
        self.opstream("validate", os.path.join(os.path.abspath(self.folder), name), *options)
        self.opstream("validate", name, *options)
        if expected == "profile":
            done = self.opstream("run", name, *options, codes=(3,))
            return "a profile: " + done.stderr.splitlines()[-1]
        several = re.findall(r"^  ([A-Za-z_]\w*):$", text, re.MULTILINE) \
            if re.search(r"^workflows:", text, re.MULTILINE) else []
        targets = [f"{name}#{key}" for key in several] or [name]
        return f"ran {sum(self.run(target, options) for target in targets)} steps"


def main():
    build, folder = sys.argv[1:3]
    checker = Checker(build, folder, dict(word.split("=", 1) for word in sys.argv[3:]))
    failures = 0
    try:
        for name in sorted(os.listdir(folder)):
            if not name.endswith((".json", ".yaml", ".yml", ".mermaid")):
                continue
            try:
                print(f"{name}: {checker.check(name)}")
            except (Failed, subprocess.TimeoutExpired, ValueError, KeyError) as why:
                failures += 1
                print(f"{name}: FAILED: {why}")
    finally:
        checker.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
