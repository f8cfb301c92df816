#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How packaging/setup.sh installs packages, against an apt that is played by scripts.

usage: install.py ROOT
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = sys.argv[1]
LIST = "# a comment\n\ngcc build\nnodejs   run\nclang test\n"


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = folder.name
        os.makedirs(f"{self.tree}/packaging")
        os.makedirs(f"{self.tree}/bin")
        os.symlink(f"{ROOT}/packaging/setup.sh", f"{self.tree}/packaging/setup.sh")
        with open(f"{self.tree}/packaging/packages", "w", encoding="utf-8") as file:
            file.write(LIST)
        for name in ("bash", "env", "mkdir", "dirname", "tail", "touch"):
            os.symlink(f"/usr/bin/{name}", f"{self.tree}/bin/{name}")
        self.program("dpkg-query", 'case " $INSTALLED " in *" ${@: -1} "*) printf installed;; '
                                   '*) exit 1;; esac')
        self.program("apt-get", 'echo "apt-get $*" >>calls; case $1 in update) touch updated;; '
                                '*) [[ -z ${NEEDS_UPDATE-} || -e updated ]];; esac')
        self.program("id", 'echo "${USER_ID-0}"')

    def program(self, name, text):
        path = f"{self.tree}/bin/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/usr/bin/bash\n{text}\n")
        os.chmod(path, 0o755)

    def install(self, *kinds, **environment):
        script = f"set -eu; source packaging/setup.sh; install_packages {' '.join(kinds)}"
        done = subprocess.run([f"{self.tree}/bin/bash", "-c", script], cwd=self.tree,
                              env={"PATH": f"{self.tree}/bin", **environment},
                              capture_output=True, text=True, check=False)
        calls = []
        if os.path.exists(f"{self.tree}/calls"):
            with open(f"{self.tree}/calls", encoding="utf-8") as file:
                calls = file.read().splitlines()
        return done, calls

    def test_nothing_missing_calls_nothing(self):
        done, calls = self.install("build", "run", INSTALLED="gcc nodejs")
        self.assertEqual((done.returncode, done.stdout, done.stderr, calls), (0, "", "", []))

    def test_only_what_is_missing_of_the_kinds_is_installed_and_said(self):
        done, calls = self.install("build", "run", INSTALLED="gcc")
        self.assertEqual((done.returncode, done.stderr), (0, "installing: nodejs\n"))
        self.assertEqual(calls, ["apt-get install -y --no-install-recommends nodejs"])

    def test_lists_are_fetched_only_when_the_first_try_fails(self):
        done, calls = self.install("build", "run", "test", INSTALLED="", NEEDS_UPDATE="1")
        self.assertEqual((done.returncode, done.stderr), (0, "installing: gcc nodejs clang\n"))
        install = "apt-get install -y --no-install-recommends gcc nodejs clang"
        self.assertEqual(calls, [install, "apt-get update", install])

    def test_other_users_go_through_sudo(self):
        self.program("sudo", 'echo "sudo $1" >>calls; exec "$@"')
        done, calls = self.install("run", INSTALLED="", USER_ID="1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(calls, ["sudo env", "apt-get install -y --no-install-recommends nodejs"])

    def test_without_sudo_the_command_is_said(self):
        done, calls = self.install("run", INSTALLED="", USER_ID="1000")
        self.assertEqual((done.returncode, calls), (1, []))
        self.assertIn("apt-get install --no-install-recommends nodejs", done.stderr)

    def test_a_failing_apt_shows_its_words(self):
        self.program("apt-get", 'echo "no such package"; exit 100')
        done, _ = self.install("run", INSTALLED="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no such package", done.stderr)

    def test_the_real_list_names_each_package_once_with_a_known_kind(self):
        with open(f"{ROOT}/packaging/packages", encoding="utf-8") as file:
            rows = [line.split() for line in file if line.strip() and line[0] != "#"]
        self.assertEqual({row[1] for row in rows}, {"build", "coverage", "package", "run", "test"})
        with open(f"{ROOT}/packaging/debian/control", encoding="utf-8") as file:
            wanted = set(re.findall(r"^[ A-Z].* ([a-z0-9+.-]+-dev)\b", file.read().split("\n\n")[0],
                                    re.MULTILINE))
        self.assertEqual({name for name, kind in rows if name.endswith("-dev") and kind == "build"},
                         wanted)
        self.assertEqual(len({row[0] for row in rows}), len(rows))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
