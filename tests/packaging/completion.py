#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion in the shells themselves: each line is typed into a bash, with and without bash-completion,
and a zsh on a terminal, then a tab, and what the shell made of it is read back.

usage: completion.py PROGRAM
"""
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
SECONDS = 120
# What is typed behind "opstream ", and what stands there after a tab. RUN is the id of a run.
LINES = [
    ("hist", "history "),
    ("plugin insp", "plugin inspect "),
    ("plugin inspect githu", "plugin inspect github "),
    ("run --epheme", "run --ephemeral "),
    ("run hell", "run hello.yaml "),
    ("run hello.yaml --input inp", "run hello.yaml --input input.json "),
    ("run hello.yaml --state fol", "run hello.yaml --state folder/"),
    ("run hello.yaml --state=fol", "run hello.yaml --state=folder/"),
    ("nodes file.w", "nodes file.write "),
    ("list --status fai", "list --status failed "),
    ("list --status=fai", "list --status=failed "),
    ("graph --format merm", "graph --format mermaid "),
    ("status 0", "status RUN "),
    ("status --json 0", "status --json RUN "),
    ("logs RUN --node hel", "logs RUN --node hello "),
    ("retry RUN --from hel", "retry RUN --from hello "),
    ("resolve RUN hel", "resolve RUN hello "),
    ("queue li", "queue list "),
    ("queue run --prio", "queue run --priority "),
    ("dlq requ", "dlq requeue "),
    ("dlq list --prio", "dlq list --priority "),
    ("dlq drop --all --priority hi", "dlq drop --all --priority high "),
    ("dlq skip 0 --val", "dlq skip 0 --value "),
    ("db back", "db backup "),
    ("db backup fol", "db backup folder/"),
    ("db vacuum --st", "db vacuum --state "),
    ("db check --plug", "db check --plugins "),
    ("db --state folder pa", "db --state folder path "),
    ("help db vac", "help db vacuum "),
    ("help plug", "help plugin "),
    ("plugin check --rule static.textr", "plugin check --rule static.textrel "),
    ("plugin check --explain static.textr", "plugin check --explain static.textrel "),
    ("plugin run notify.so --node notify.send_", "plugin run notify.so --node notify.send_digest "),
    ("plugin run --node notify.send_", "plugin run --node notify.send_digest "),
    ("completion z", "completion zsh "),
    ("--vers", "--version "),
    ("--he", "--help "),
    ("completion wo", "completion words "),
    ("secrets rm tok", "secrets rm token "),
    ("secrets set token --ke", "secrets set token --keep "),
    ("secrets rot", "secrets rotate "),
    ("breakers open exa", "breakers open exa"),
    ("breakers dis", "breakers disable "),
    ("breakers --cur", "breakers --cursor "),
    ("limits res", "limits reset "),
]


class Terminal:
    """A shell on a terminal; what it prints up to a mark."""

    def __init__(self, arguments, folder):
        self.text = ""
        environment = {"PATH": os.path.dirname(PROGRAM) + ":/usr/bin:/bin", "HOME": folder, "TERM": "dumb",
                       "LC_ALL": "C.UTF-8", "OPSTREAM_STATE": os.path.join(folder, ".state"), "ZDOTDIR": folder}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(arguments[0], arguments, environment)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_to(self, pattern):
        end = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern} in:\n{self.text}")
            self.text += os.read(self.fd, 65536).decode(errors="replace").replace("\r", "")
        self.text = self.text[found.end():]
        return found

    def complete(self, typed, number):
        """What a tab makes of it: the line becomes the argument of a printf, with a mark around it."""
        self.type(f"opstream {typed}\t")
        self.type(f"|\x01: \x05\x01printf '%s\\n' \"<<{number}:\x05>>\"\n")
        return self.read_to(rf"\n<<{number}:: opstream (.*)\|>>").group(1)

    def close(self):
        self.type("\x03exit\n")
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        os.mkdir(os.path.join(cls.folder, "folder"))
        cls.write("hello.yaml", "id: hello\ntype: set\nconfig: {a: 1}\n")
        cls.write("input.json", "{}")
        cls.write(".zshrc", "")
        plugins = os.path.join(os.path.dirname(os.path.dirname(PROGRAM)), "lib/opstream/plugins")
        os.symlink(os.path.join(plugins, "notify/notify.so"), os.path.join(cls.folder, "notify.so"))
        cls.opstream("run", "-q", "hello.yaml")
        cls.opstream("secrets", "set", "token", text="a value")
        cls.id = json.loads(cls.opstream("list", "--json"))["jobs"][0]["short_id"]
        for shell in ("bash", "zsh"):
            cls.write(f"completion.{shell}", cls.opstream("completion", shell))

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as out:
            out.write(text)

    @classmethod
    def opstream(cls, *arguments, text=None):
        environment = {"PATH": "/usr/bin:/bin", "HOME": cls.folder, "OPSTREAM_STATE": os.path.join(cls.folder, ".state")}
        return subprocess.run([PROGRAM, *arguments], cwd=cls.folder, env=environment, check=True, text=True,
                              input=text, stdout=subprocess.PIPE).stdout

    def check(self, arguments, setup):
        self.assertTrue(os.path.exists(arguments[0]), f"{arguments[0]} is to be installed, see packaging/packages")
        terminal = Terminal(arguments, self.folder)
        terminal.type("".join(line + "\n" for line in setup) + "echo rea''dy\n")
        terminal.read_to("\nready")
        for number, (typed, wanted) in enumerate(LINES):
            with self.subTest(typed=typed):
                made = terminal.complete(typed.replace("RUN", self.id), number)  # zsh takes back the blank or '/' that it has added
                self.assertEqual(made.rstrip(" /"), wanted.replace("RUN", self.id).rstrip(" /"))
        terminal.close()

    def test_bash_alone(self):
        self.check(["/bin/bash", "--norc", "--noprofile"], ["PS1='> '", "source completion.bash"])

    def test_bash_with_its_package(self):
        self.assertTrue(os.path.exists(BASH_COMPLETION), "bash-completion is to be installed")
        self.check(["/bin/bash", "--norc", "--noprofile"],
                   ["PS1='> '", f"source {BASH_COMPLETION}", "source completion.bash"])

    def test_zsh(self):
        self.check([shutil.which("zsh") or "/bin/zsh", "-f"],
                   ["PS1='> '", "unsetopt zle_bracketed_paste", "bindkey -e", "autoload -Uz compinit", "compinit -u -D",
                    "zstyle ':completion:*' insert-tab false", "source completion.zsh"])

    def test_scripts_are_read_without_a_word(self):
        for shell in ("bash", "zsh"):
            done = subprocess.run([shell, "-n", f"completion.{shell}"], cwd=self.folder, capture_output=True,
                                  text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)


if __name__ == "__main__":
    unittest.main(verbosity=0)
