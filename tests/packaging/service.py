#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The unit of the service and its settings: what they keep it from, and that it does its work so.

usage: service.py SOURCE BUILD
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE, BUILD = sys.argv[1:3]
UNIT = f"{SOURCE}/packaging/debian/opstream.service"
SETTINGS = f"{SOURCE}/config/opstream.yaml"
PROGRAM = f"{BUILD}/bin/opstream"

# What the service must be kept from; a unit that is rated well without it is not enough.
REQUIRED = {
    "Type": "notify", "User": "opstream", "Delegate": "yes", "UMask": "0077", "LimitCORE": "0",
    "StateDirectory": "opstream opstream-files", "WorkingDirectory": "/var/lib/opstream-files", "StateDirectoryMode": "0700", "NoNewPrivileges": "yes",
    "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
    "PrivateUsers": "yes", "ProtectKernelLogs": "yes", "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes", "CapabilityBoundingSet": "",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces": "user pid mnt ipc", "ExecStart":
    "/usr/bin/opstream serve --state /var/lib/opstream",
}
# Called and not allowed; refused while the pipeline runs here, as it is there.
DONE_WITHOUT = {
    "fchown",      # SQLite's, where root runs it
    "pkey_alloc",  # JavaScript's, which few machines have
}
PIPELINE = """
name: Everything
nodes:
  - {id: shell, type: code, config: {language: bash, code: "echo $(( $(nproc) + 1 ))"}}
  - {id: python, type: code, config: {language: python, code: "import json; print(json.dumps(2))"}}
  - {id: node, type: code, config: {language: javascript, code: "console.log(3)"}}
  - {id: limited, type: code, config: {language: bash, code: "echo 4"}, limits: {memory: 64MiB}}
  - {id: jq, type: jq, config: {input: {a: 5}, program: ".a"}}
  - {id: write, type: file.write, config: {path: FOLDER/note.txt, content: hello}}
  - {id: get, type: http, on_error: continue, retry: {max_attempts: 1}, config: {url: "http://localhost:9/"}}
output: "{{ shell.output + node.output }}"
"""


def entries(text):
    """The lines NAME=VALUE of a unit, in order."""
    return re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE)


def members(name):
    """The system calls of a set like @process."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True,
                          capture_output=True, text=True).stdout
    calls = set()
    for word in re.findall(r"^    ([@a-z_][a-z0-9_-]*)$", text, re.MULTILINE):
        calls |= members(word) if word[0] == "@" else {word}
    return calls


def allowed(unit):
    """The system calls that SystemCallFilter leaves; as in systemd, the first line says which kind."""
    calls = members("@default")
    for name, value in unit:
        if name == "SystemCallFilter":
            for word in value.lstrip("~").split():
                named = members(word) if word[0] == "@" else {word}
                calls = calls - named if value[0] == "~" else calls | named
    return calls


def keys(schema):
    """The names that a JSON Schema gives to members, at whatever depth."""
    found = set()
    for name, inner in schema.items() if isinstance(schema, dict) else ():
        if name == "properties":
            found |= set(inner)
            for member in inner.values():
                found |= keys(member)
        else:
            found |= keys(inner)
    return found


class Service(unittest.TestCase):
    def setUp(self):
        with open(UNIT, encoding="utf-8") as file:
            self.text = file.read()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_it_is_rated_at_most_2(self):
        done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true",
                               "--threshold=20", UNIT], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Overall exposure level for opstream.service", done.stdout)

    def test_systemd_understands_it(self):
        unit = f"{self.folder}/opstream.service"
        with open(unit, "w", encoding="utf-8") as file:
            file.write(self.text.replace("/usr/bin/opstream", PROGRAM))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_it_has_what_is_required(self):
        there = dict(entries(self.text))
        self.assertEqual({name: there.get(name) for name in REQUIRED}, REQUIRED)
        # What is compiled while it runs needs the first; the second takes openat2() away, which
        # secrets and 'file' nodes need, and which no filter of calls shows.
        self.assertNotIn("MemoryDenyWriteExecute", there)
        self.assertNotIn("RestrictSUIDSGID", there)

    def serve(self, trace):
        """Under strace, with the unit's umask; ended when it has done the pipeline."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.folder, "XDG_CACHE_HOME": self.folder}
        state = f"{self.folder}/state"
        os.mkdir(state)
        os.chmod(state, 0o710)  # as StateDirectoryMode= for the group: its socket is no other's
        for name, text in (("opstream.yaml", "sandbox: none\nsecrets_folder: ''\n"),
                           ("all.yaml", PIPELINE.replace("FOLDER", self.folder))):
            with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        with subprocess.Popen(["strace", "-f", "-c", "-U", "name", "-e",
                               f"inject={','.join(DONE_WITHOUT)}:error=EPERM", "-o", trace, PROGRAM,
                               "serve", "--state", state, "--config", f"{self.folder}/opstream.yaml"],
                              env=environment, stdin=subprocess.DEVNULL) as tracer:
            try:
                for _ in range(600):
                    if tracer.poll() is not None or os.path.exists(f"{state}/control.sock"):
                        break
                    time.sleep(0.1)
                done = subprocess.run([PROGRAM, "run", "-q", "--state", state,
                                       f"{self.folder}/all.yaml"], env=environment, timeout=120,
                                      capture_output=True, text=True, check=False)
                with open(f"{state}/state.lock", encoding="utf-8") as file:
                    os.kill(int(file.read().split()[1]), signal.SIGTERM)
                tracer.wait(60)
            finally:
                tracer.kill()
        return done

    @unittest.skipUnless(shutil.which("strace") and shutil.which("node"), "strace or node is missing")
    def test_what_it_calls_of_the_system_is_allowed(self):
        trace = f"{self.folder}/trace"
        done = self.serve(trace)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        with open(trace, encoding="utf-8") as file:
            called = set(re.findall(r"^ *([a-z_0-9]+) *$", file.read(), re.MULTILINE))
        called -= {"syscall", "total"}
        self.assertLess({"execve", "epoll_ctl", "fdatasync", "pidfd_open"}, called)
        self.assertEqual(called - allowed(entries(self.text)) - DONE_WITHOUT, set())


class Settings(unittest.TestCase):
    def test_what_is_shipped_is_valid_with_and_without_what_is_commented(self):
        with open(SETTINGS, encoding="utf-8") as file:
            shipped = file.read()
        every = re.sub(r"^#(?=[^ ]|  )", "", shipped, flags=re.MULTILINE)
        with open(f"{SOURCE}/config/opstream.schema.json", encoding="utf-8") as file:
            for key in keys(json.load(file)):
                self.assertRegex(every, rf"(?m)^ *{key}:")
        for text in (shipped, every):
            with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([PROGRAM, "nodes", "--config", file.name], text=True,
                                      capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
