#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_routes.py SOURCE BUILD

The reference of the API, core/api/JOBS.md, has each route of the table in route.c with each parameter
that it takes, and no other routes; and each member of the documents that commands get of them."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DEFINE = re.compile(r'^#define (\w+) +"(/api/[^"]*)"', re.MULTILINE)
ROUTE = re.compile(r'\{"(GET|POST)", ((?:"[^"]*"|\w+)(?: "[^"]*")?), \w+, \w+, (\w+),')
PARAMETERS = re.compile(r"\*const (\w+_params)\[\w*\] = \{(.*?)\};", re.DOTALL)
NAME = re.compile(r'"([a-z_]+)"')
PIPELINE = """
name: Sample
labels: {team: a}
nodes:
  - {id: one, type: set, config: {x: 1}}
  - {id: two, type: fail, on_error: continue, config: {message: no luck}}
  - {id: each, for_each: "[1, 2]", type: set, config: {y: "{{ item }}"}}
  - {id: call, type: workflow, config: {workflow: other}}
"""
OTHER = "id: other\nnodes: [{id: say, type: set, config: {z: 1}}]\n"
OF_USERS = {"output", "labels", "body", "detail", "input", "options"}


def routes_of(source):
    """Method and path, with the names of its parameters."""
    text = (source / "core/api/route.c").read_text()
    prefixes = dict(DEFINE.findall(text))
    parameters = {}
    for path in (source / "core/api").glob("*.c"):
        parameters.update({name: NAME.findall(body) for name, body in PARAMETERS.findall(path.read_text())})
    routes = {}
    for method, pattern, names in ROUTE.findall(text):
        parts = re.findall(r'"([^"]*)"|(\w+)', pattern)
        path = "".join(literal or prefixes.get(word, "?") for literal, word in parts)
        routes[f"{method} {path}"] = parameters.get(names, [])
    return routes


def rows_of(page):
    """What the page has of each route: the whole line. `/cancel`, `pause` in one cell are two."""
    rows = {}
    for line in page.split("\n"):
        words = re.findall(r"`([^`]+)`", line.split("|")[1] if line.startswith("| `") else line)
        route = None
        for word in words:
            if re.match(r"(GET|POST) /", word):
                route = word
            elif route and line.startswith("| `"):
                method, path = route.split(" ", 1)
                path = word if word.startswith("/") else path.rsplit("/", 1)[0] + "/" + word
                route = f"{method} {path}"
            else:
                continue
            rows[route] = rows.get(route, "") + line
    return rows


def members(value):
    """The names in a document, but for those that its user has given."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from members(None if name in OF_USERS else inner)
    for inner in value if isinstance(value, list) else []:
        yield from members(inner)


def documents(build):
    """What commands print of a state with one run that has something of all."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "OPSTREAM_STATE": os.path.join(folder, "state")}

        def ask(*words):
            done = subprocess.run([build / "bin/opstream", *words, "--json"], cwd=folder, env=environment,
                                  check=True, capture_output=True, text=True)
            return json.loads(done.stdout)

        for name, text in (("sample.yaml", PIPELINE), ("other.yaml", OTHER)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        ask("run", "sample.yaml", "--library", ".")
        runs = ask("list", "--name", "sample")
        run = runs["jobs"][0]["id"]
        yield from (runs, ask("status", run), ask("history", run), ask("logs", run), ask("status"))
        yield from (ask("breakers"), ask("limits"), ask("queue", "list"), ask("dlq", "list"))


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    routes = routes_of(source)
    rows = rows_of((source / "core/api/JOBS.md").read_text())
    faults = [] if len(routes) > 30 else [f"this test sees only {len(routes)} routes"]
    faults += [f"{route} is not there" for route in routes.keys() - rows.keys()]
    faults += [f"{route} is no route" for route in rows.keys() - routes.keys()]
    known = "\n".join(rows.values())
    for route in routes.keys() & rows.keys():
        row = known if "the same" in rows[route] else rows[route]
        faults += [f"{route}: the parameter '{name}' is not there" for name in routes[route]
                   if not re.search(rf"`[^`]*\b{name}\b", row)]
    page = (source / "core/api/JOBS.md").read_text()
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", page))))
    for document in documents(build):
        faults += [f"the member '{name}' is not there" for name in set(members(document)) - named]
    for fault in sorted(faults):
        print(f"core/api/JOBS.md: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
