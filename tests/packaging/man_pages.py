#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages: there is one for each command and verb, groff and mandoc have nothing to say about
them, they are the same each time, nothing in them is cut in two, and their examples are valid.

usage: man_pages.py PROGRAM
"""
import filecmp
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
EXAMPLE = re.compile(r"^ +(# (\w+\.yaml)\n(?:(?: .*)?\n)*?)(?=^\S)", re.MULTILINE)


def opstream(*arguments, **more):
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1735689600", **more)
    done = subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text):
    """The first words of the lines that are indented by two: commands, verbs."""
    return re.findall(r"^  ([a-z]\S*) ", text, re.MULTILINE)


def commands():
    """All of them, by what the help says, as 'run' and 'plugin-list'."""
    for name in rows(opstream("help").split("\n\n", 2)[2]):
        yield name
        text = opstream("help", name)
        if f"opstream {name} VERB" in text:
            yield from (f"{name}-{verb}" for verb in rows(text))


class ManPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.pages = []
        opstream("help", "--man-pages", cls.folder)
        cls.pages = sorted(os.listdir(cls.folder))

    def path(self, page):
        return os.path.join(self.folder, page)

    def rendered(self, page):
        done = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "-l", self.path(page)],
                              env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8", MANROFFSEQ="", PAGER="cat"),
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), page)
        return re.sub(".\b", "", done.stdout)

    def test_each_command_has_one(self):
        wanted = {f"opstream-{name}.1" for name in commands()}
        self.assertGreater(len(wanted), 25)
        files = {"opstream.yaml.5", "opstream-pipeline.5", "opstream-plugin.json.5"}
        self.assertEqual(wanted | files | {"opstream.1"}, set(self.pages))

    def test_mandoc_has_nothing_to_say(self):
        for page in self.pages:
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", self.path(page)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_whatis_reads_them(self):
        for page in self.pages:
            done = subprocess.run(["lexgrog", self.path(page)], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, page)
            self.assertIn(f'"{page.rsplit(".", 1)[0]} - ', done.stdout)

    def test_they_read_well(self):
        for page in self.pages:
            text = self.rendered(page)
            self.assertIn("2025-01-01", text)
            self.assertEqual([line for line in text.split("\n") if "\u2010" in line], [], page)
            self.assertLessEqual(max(len(line) for line in text.split("\n")), 80 + 16, page)

    def test_options_are_those_of_the_help(self):
        for name in commands():
            text = opstream("help", *name.split("-", 1))
            shown = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.MULTILINE))
            page = self.rendered(f"opstream-{name}.1")
            self.assertEqual(shown, set(re.findall(r"^       (?:-\w, )?--([a-z-]+)", page.split("OPTIONS")[-1],
                                                   re.MULTILINE)) if shown else shown, name)

    def test_variables_are_on_the_page_of_settings(self):
        text = self.rendered("opstream.1").split("\nENVIRONMENT\n")[1].split("\nFILES\n")[0]
        names = re.findall(r"^       (\w+)", text, re.MULTILINE)
        self.assertIn("OPSTREAM_STATE", names)
        with open(os.path.join(os.path.dirname(__file__), "../../config/README.md"), encoding="utf-8") as page:
            known = page.read()
        for name in names:
            self.assertIn(f"`{name}`", known)

    def test_links_lead_to_pages(self):
        for page in self.pages:
            for name, section in re.findall(r"\b(opstream[\w.-]*)\((\d)\)", self.rendered(page)):
                self.assertIn(f"{name}.{section}", self.pages, page)

    def test_examples_are_valid(self):
        found = 0
        for page in ("opstream.yaml.5", "opstream-pipeline.5"):
            text = re.sub(r"^ {11}", "  ", self.rendered(page), flags=re.MULTILINE)
            for example, name in EXAMPLE.findall(text):
                found += 1
                self.check_example(name, re.sub("^  ", "", "  " + example, flags=re.MULTILINE))
        self.assertEqual(found, 2)

    def check_example(self, name, example):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write(example)
            if name == "opstream.yaml":
                opstream("nodes", "--config", path, HOME=folder)
            else:
                opstream("validate", "--strict", path, HOME=folder)

    def sections(self, page):
        """Of the rendered page, by their titles."""
        parts = re.split(r"^([A-Z][A-Z ]*)\n", self.rendered(page), flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2]))

    def test_the_manifest_is_as_the_guide_tells(self):
        with open(os.path.join(os.path.dirname(__file__), "../../sdk/README.md"), encoding="utf-8") as guide:
            text = guide.read()
        told = text.split("\n## The manifest\n")[1].split("\n## ")[0]
        marks = set(re.findall(r"^\| `(x-[a-z-]+)`", text.split("\n## Marks in schemas\n")[1], re.MULTILINE))
        sections = self.sections("opstream-plugin.json.5")
        shown = {title: re.findall(r"^       (\S+) \(", part, re.MULTILINE) for title, part in sections.items()}
        self.assertEqual(set(shown["MARKS IN SCHEMAS"]), marks)
        keys = {key for title, names in shown.items() if title != "MARKS IN SCHEMAS" for key in names}
        self.assertGreater(len(keys), 25)
        self.assertEqual({key for key in keys if not re.search(rf"\W{re.escape(key)}\W", told)}, set())
        self.assertIn("Default: true.", sections["A NODE TYPE"])
        self.assertIn("It is needed.", sections["THE MANIFEST"])

    def test_the_manifest_of_the_example_is_valid(self):
        example = re.sub(r"^ {11}", "", self.sections("opstream-plugin.json.5")["EXAMPLES"], flags=re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "manifest.json")
            with open(path, "w", encoding="utf-8") as out:
                out.write(example)
            self.assertIn("acme.weather.now", opstream("plugin", "inspect", path, HOME=folder))

    def test_they_are_the_same_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            opstream("help", "--man-pages", folder)
            same, *other = filecmp.cmpfiles(self.folder, folder, self.pages, shallow=False)
            self.assertEqual((sorted(same), other), (self.pages, [[], []]))


if __name__ == "__main__":
    unittest.main(verbosity=0)
