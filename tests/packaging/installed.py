#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` leaves: a program that works from there, with pipelines and their schema.

usage: installed.py SOURCE BUILD
"""
import filecmp
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import unittest

SOURCE, BUILD = sys.argv[1:3]
REFERENCE = re.compile(r"^# yaml-language-server: \$schema=(.+)$", re.MULTILINE)


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(root, name), folder)
                  for root, _, names in os.walk(folder) for name in names)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = os.path.join(folder.name, "usr")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix],
                       check=True, stdout=subprocess.DEVNULL)
        cls.share = os.path.join(cls.prefix, "share", "opstream")
        cls.pipelines = os.path.join(cls.share, "pipelines")

    def opstream(self, *arguments):
        # The secrets that pipelines read: one that is not set is a warning.
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.prefix, "OPSTREAM_SECRET_LLM_KEY": "a key",
                       "OPSTREAM_SECRET_GITHUB_TOKEN": "a token"}
        return subprocess.run([os.path.join(self.prefix, "bin", "opstream"), *arguments],
                              env=environment, capture_output=True, text=True, check=False)

    def test_every_pipeline_is_there_and_valid(self):
        shipped = files_below(f"{SOURCE}/config/pipelines")
        self.assertEqual(files_below(self.pipelines), shipped)
        files = [os.path.join(self.pipelines, name) for name in shipped if name.endswith(".yaml")]
        done = self.opstream("validate", *files)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_tries_plugins_is_there(self):
        found = [name for name in files_below(self.prefix)
                 if os.path.basename(name) == "opstream-plugin-host"]
        self.assertEqual(len(found), 1, found)
        self.assertEqual(os.path.basename(os.path.dirname(found[0])), "opstream")
        done = subprocess.run([os.path.join(self.prefix, found[0])], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is started by opstream", done.stderr)

    def test_plugins_of_others_do_not_hide_the_modules(self):
        for place in ("lib", "lib/" + sysconfig.get_config_var("MULTIARCH")):
            os.makedirs(os.path.join(self.prefix, place, "opstream", "plugins", "acme.x"), exist_ok=True)
        done = self.opstream("plugin", "list", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("http", [plugin["id"] for plugin in json.loads(done.stdout)])

    def test_manual_pages_are_in_their_sections(self):
        pages = files_below(os.path.join(self.prefix, "share", "man"))
        self.assertIn("man1/opstream-run.1", pages)
        self.assertIn("man5/opstream.yaml.5", pages)
        self.assertIn("man5/opstream-plugin.json.5", pages)
        self.assertEqual([page for page in pages if page[3] != page[-1]], [])

    def test_shells_find_their_completion(self):
        for place in ("bash-completion/completions/opstream", "zsh/vendor-completions/_opstream"):
            with open(os.path.join(self.prefix, "share", place), encoding="utf-8") as file:
                self.assertIn("completion words --", file.read())

    def test_pipelines_find_their_schema(self):
        for name in files_below(self.pipelines):
            if not name.endswith(".yaml"):
                continue
            with open(os.path.join(self.pipelines, name), encoding="utf-8") as file:
                named = REFERENCE.findall(file.read())
            self.assertEqual(len(named), 1, name)
            place = os.path.join(self.pipelines, os.path.dirname(name), named[0])
            self.assertTrue(os.path.exists(place), place)

    def test_the_schema_is_that_of_the_program(self):
        schema = os.path.join(self.share, "pipeline.schema.json")
        self.assertTrue(filecmp.cmp(schema, f"{SOURCE}/config/pipeline.schema.json", False))
        done = self.opstream("schema")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(schema, encoding="utf-8") as file:
            self.assertEqual(json.loads(done.stdout), json.load(file))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
