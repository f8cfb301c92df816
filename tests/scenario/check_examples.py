#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_examples.py BUILD PAGE [--update] | BUILD PAGE --keys

Carries out the examples of a page in Markdown, and compares with what the page shows:

* A ```yaml block is a file; its first line is a comment with its name. A ```json NAME block, too.
* A block of any language whose fence goes on with "not run: " and a reason is for people alone; the
  reasons are printed.
* A ```console block has commands, each after "$ ", and below each what it prints on both streams
  together; a last line "[exit 3]" is the exit code, when that is not 0.
* Links lead to a heading of the page, or to a file beside it or a heading there.
* A table with the head "| expression | value |" has an expression and its value as JSON in each
  row. They see sample.json, if the page has that, as the input.

All happens in one folder, which is shown as SHOWN_FOLDER, from top to bottom. Durations, times and
ids differ from run to run and are not compared; nor is what is said of a slow machine. With
--update the page gets what is printed.

With --keys nothing runs: each key of `opstream schema` and each function of expressions that has
no example on the page is named.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w*) ?(.*)$")
NAME = re.compile(r"^# ([\w.-]+(?:/[\w.-]+)*\.ya?ml)$")
ROW = re.compile(r"^\| `(.*?)` \| `(.*)` \|$")
NOT_RUN = "not run: "
HEAD = "| expression | value |"
SHOWN_FOLDER = "/home/ada/pipelines"
SHOWN_PREFIX = "/usr/local"  # in place of the build folder
VARIES = [
    (re.compile(r"^\S+Z warn a call of a node held the loop up .*\n", re.MULTILINE), ""),
    (re.compile(r"the folders searched: .*"), "the folders searched: FOLDERS"),
    (re.compile(r"\b20[2-9][0-9]-[0-9]{2}-[0-9]{2} [0-9:.]{8,12}"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\S+ \(uid [0-9]+\)"), "USER"),
    (re.compile(r" *\b[0-9]+(\.[0-9]+)? (ms|s)\b"), " DURATION"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), "TIME"),
    (re.compile(r"\b20[2-9][0-9]-[0-9]{2}-[0-9]{2}\b"), "DATE"),
    (re.compile(r'("(?:duration|total_duration|waited)_seconds": )[0-9.e-]+'), r"\1SECONDS"),
    (re.compile(r'("execution_id": )"[^"]*"'), r"\1ID"),
]


class Wrong(Exception):
    """The page cannot be read, or is not true."""


class Page:
    """Files, commands and tables of the page, with their lines counted from 0."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as source:
            self.lines = source.read().split("\n")
        self.items = []
        self.names = {}
        self.left_out = []
        at = 0
        while at < len(self.lines):
            fence = FENCE.match(self.lines[at])
            if fence:
                end = at + 1
                while end < len(self.lines) and self.lines[end] != "```":
                    end += 1
                if end == len(self.lines):
                    raise Wrong(f"line {at + 1}: the block has no end")
                self.add_block(at, end, fence.group(1), fence.group(2))
                at = end
            elif self.lines[at] == HEAD:
                at = self.add_table(at)
            at += 1

    def add_block(self, at, end, language, name):
        body = self.lines[at + 1:end]
        if name.startswith(NOT_RUN) and len(name) > len(NOT_RUN):
            self.left_out.append(f"line {at + 1} is {name}")
            return
        if language == "yaml":
            first = NAME.match(body[0]) if body else None
            if not first:
                raise Wrong(f"line {at + 2}: a ```yaml block begins with the comment '# NAME.yaml'")
            name = first.group(1)
        if language in ("yaml", "json"):
            if not name or name in self.names:
                raise Wrong(f"line {at + 1}: the file has no name of its own: '{name}'")
            self.names[name] = at + 1
            self.items.append(("file", name, "\n".join(body) + "\n"))
        elif language == "console":
            self.add_commands(at + 1, end)
        else:
            raise Wrong(f"line {at + 1}: a block is yaml, json or console, or says '{NOT_RUN}WHY'")

    def add_commands(self, at, end):
        if not self.lines[at].startswith("$ "):
            raise Wrong(f"line {at + 1}: a ```console block begins with '$ '")
        while at < end:
            start = at
            at += 1
            while at < end and not self.lines[at].startswith("$ "):
                at += 1
            self.items.append(("command", self.lines[start][2:], (start + 1, at)))

    def add_table(self, at):
        first = at + 2
        at = first
        while at < len(self.lines) and self.lines[at].startswith("|"):
            at += 1
        self.items.append(("table", first, at))
        return at - 1

    def row(self, number):
        found = ROW.match(self.lines[number])
        if not found:
            raise Wrong(f"line {number + 1}: a row is | `EXPRESSION` | `JSON` |")
        return [text.replace("\\|", "|") for text in found.groups()]


def anchors_of(lines):
    return {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in lines if line.startswith("#")}


def leads(path, page, link):
    """To a heading of the page, to a file beside it, or to a heading of that one."""
    name, _, anchor = link.partition("#")
    target = os.path.join(os.path.dirname(path), name)
    if not name:
        return anchor in anchors_of(page.lines)
    if not anchor or not os.path.isfile(target):
        return not anchor and os.path.exists(target)
    with open(target, encoding="utf-8") as other:
        return anchor in anchors_of(other.read().split("\n"))


def check_links(path, page):
    return [f"line {number}: the link '{link}' leads nowhere"
            for number, line in enumerate(page.lines, 1)
            for link in re.findall(r"\]\(([^):]+)\)", re.sub(r"``?[^`]*`?`", "", line))
            if not leads(path, page, link)]


def same(text):
    """The text without what differs from run to run."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return text


class Runner:
    def __init__(self, build, page):
        self.page = page
        self.build = os.path.abspath(build)
        self.work = tempfile.TemporaryDirectory(prefix="examples-")
        self.folder = self.work.name
        self.env = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        self.env.update({
            "PATH": os.path.join(self.build, "bin") + ":/usr/local/bin:/usr/bin:/bin",
            "HOME": self.folder,
            "OPSTREAM_STATE": os.path.join(self.folder, ".state"),
            "LANG": "C.UTF-8",
        })
        self.faults = []
        self.changes = []  # (first line, behind the last one, what goes there)
        self.used = set()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, timeout=240,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        text = done.stdout.decode(errors="backslashreplace")
        text = text.replace(self.folder, SHOWN_FOLDER).replace(self.build, SHOWN_PREFIX)
        if done.returncode != 0:
            text += f"[exit {done.returncode}]\n"
        return text

    def check_command(self, command, lines):
        first, behind = lines
        shown = "\n".join(self.page.lines[first:behind]) + "\n" if first < behind else ""
        printed = self.run(command)
        self.used.update(name for name in self.page.names
                         if name in command or (os.path.dirname(name) or name) in command)
        if same(printed).rstrip("\n") != same(shown).rstrip("\n"):
            self.faults.append(f"line {first}: $ {command}\n---- prints\n{printed}---- and the page "
                               f"shows\n{shown}----")
            self.changes.append((first, behind, printed.rstrip("\n").split("\n")))

    def is_named(self, name):
        return any(name in text for kind, other, text in self.page.items if kind == "file" and other != name)

    def check_table(self, first, behind):
        rows = [self.page.row(number) for number in range(first, behind)]
        config = {f"r{i}": "{{ " + row[0] + " }}" for i, row in enumerate(rows)}
        self.write("table.json", json.dumps({"id": "table", "type": "set", "config": config}))
        sample = " --input sample.json" if "sample.json" in self.page.names else ""
        printed = self.run("opstream run --json table.json" + sample)
        try:
            values = list(json.loads(printed)["output"].values())[0]
        except (ValueError, KeyError, AttributeError) as why:
            raise Wrong(f"line {first + 1}: the table does not run:\n{printed}") from why
        for i, (expression, shown) in enumerate(rows):
            value = json.dumps(values[f"r{i}"], ensure_ascii=False)
            try:
                is_true = json.dumps(json.loads(shown), sort_keys=True) == \
                    json.dumps(values[f"r{i}"], sort_keys=True)
            except ValueError:
                is_true = False
            if not is_true:
                self.faults.append(f"line {first + i + 1}: {expression} is {value}, not {shown}")
                cells = [text.replace("|", "\\|") for text in (expression, value)]
                self.changes.append((first + i, first + i + 1, [f"| `{cells[0]}` | `{cells[1]}` |"]))

    def carry_out(self):
        for kind, what, more in self.page.items:
            if kind == "file":
                self.write(what, more)
            elif kind == "command":
                self.check_command(what, more)
            else:
                self.check_table(what, more)
        self.used.add("sample.json")
        for name, line in self.page.names.items():
            if name not in self.used and not self.is_named(name):
                self.faults.append(f"line {line}: no command and no file uses {name}")


class Keys:
    """Which keys of the format stand in an example, each with the map that it is a key of."""

    LISTS = {"on_failure": "node", "on_cancel": "node", "on_success": "node", "finally": "node",
             "edges": "edge"}
    MAPS = {"repeat": "repeat", "collect": "collect", "on_error": "on_error", "limits": "limits",
            "compensate": "node", "resilience": "resilience", "scaling": "scaling",
            "retry": "retry", "circuit_breaker": "circuit_breaker",
            "rate_limit": "rate_limit", "fallback": "fallback", "cache": "cache"}
    POLICIES = ("timeout", "max_concurrency", "retry", "circuit_breaker", "rate_limit")

    def __init__(self):
        self.seen = set()

    def of(self, kind, tree):
        if not isinstance(tree, dict):
            return
        for key, value in tree.items():
            self.seen.add((kind, key))
            if key in self.LISTS:
                for item in value:
                    self.of(self.LISTS[key], item)
            elif key in self.MAPS:
                self.of(self.MAPS[key], value)
            elif key == "transitions":
                for to in (value or {}).values():
                    for item in to if isinstance(to, list) else []:
                        self.of("transition", item)
        self.config(tree)
        self.body(tree)

    def config(self, tree):
        kind = tree.get("type")
        if tree.get("service") == "internal":
            kind = tree.get("action")
        for key in tree.get("config") or tree.get("params") or {} if isinstance(kind, str) else {}:
            self.seen.add(("config." + kind, key))

    def body(self, tree):
        for key, kind in (("nodes", "node"), ("steps", "node"), ("tools", "tool")):
            for item in tree.get(key) or []:
                self.of(kind, item)
        states = tree.get("states") or {}
        for state in states.values() if isinstance(states, dict) else states:
            self.of("state", state)
            if isinstance(state.get("action"), dict):
                self.of("action", state["action"])
        for policy in (tree.get("integrations") or {}).values():
            for key in self.POLICIES:
                if key in (policy or {}):
                    self.seen.add(("integration", key))
                    self.of(self.MAPS.get(key), policy[key])

    def file(self, tree):
        if isinstance(tree.get("workflow"), dict):
            self.seen.add(("wrapped", "workflow"))
            self.of("pipeline", tree["workflow"])
        elif isinstance(tree.get("workflows"), dict):
            self.seen.add(("several", "workflows"))
            for one in tree["workflows"].values():
                self.pipeline(one)
        else:
            self.pipeline(tree)

    def pipeline(self, tree):
        is_single = "type" in tree or "service" in tree
        self.of("single" if is_single else "pipeline", tree)
        if is_single:  # its other keys are those of pipelines and nodes, which have their examples
            self.seen.update(("pipeline", key) for key in tree)


def wanted_keys(schema):
    wanted = set()
    kinds = ("wrapped", "several", "pipeline", "node", "edge", "on_error", "resilience", "scaling",
             "limits", "repeat", "collect", "state", "action", "transition", "tool", "retry",
             "circuit_breaker", "rate_limit", "fallback", "cache")
    engine = ("conditional", "fail", "router", "wait", "workflow")
    for kind in kinds + tuple("config." + name for name in engine):
        wanted.update((kind, key) for key in schema["$defs"][kind]["properties"])
    wanted.update(("integration", key) for key in Keys.POLICIES)
    return wanted


def functions():
    """The names in the tables of functions and macros."""
    core = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../core/expr")
    names = set()
    for path in glob.glob(os.path.join(core, "fn_*.c")) + [os.path.join(core, "macro.c")]:
        with open(path, encoding="utf-8") as source:
            names |= set(re.findall(r'^    \{"([A-Za-z_0-9.]+)",', source.read(), re.MULTILINE))
    return names


def check_keys(build, page):
    program = [os.path.join(build, "bin/opstream"), "schema"]
    schema = json.loads(subprocess.run(program, check=True, capture_output=True).stdout)
    keys = Keys()
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        for kind, name, body in page.items:
            if kind == "table":
                text += "\n".join(page.lines[name:body])
            if kind != "file":
                continue
            text += body
            path = os.path.join(folder, os.path.basename(name))
            with open(path, "w", encoding="utf-8") as out:
                out.write(body)
            done = subprocess.run([os.path.join(build, "tests/bin/yaml_json"), path], check=False,
                                  capture_output=True)
            tree = json.loads(done.stdout) if done.returncode == 0 else {}
            if isinstance(tree, dict):
                keys.file(tree)
    faults = [f"'{key}' of {kind} works and has no example"
              for kind, key in sorted(wanted_keys(schema) - keys.seen)]
    faults += [f"the function {name}() has no example" for name in sorted(functions())
               if not re.search(r"(?<![A-Za-z_0-9])" + re.escape(name) + r"\(", text)]
    return faults


def update(path, page, changes):
    for first, behind, lines in sorted(changes, reverse=True):
        page.lines[first:behind] = lines
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(page.lines))


def main():
    build, path, *options = sys.argv[1:]
    try:
        page = Page(path)
        if "--keys" in options:
            faults = check_keys(build, page)
        else:
            runner = Runner(build, page)
            runner.carry_out()
            faults = runner.faults + check_links(path, page)
            if "--update" in options:
                update(path, page, runner.changes)
            for line in page.left_out:
                print(f"{path}: {line}")
    except Wrong as why:
        faults = [str(why)]
    for fault in faults:
        print(f"{path}: {fault}")
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
