#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_routes.py SOURCE

The reference of the API, core/api/JOBS.md, has each route of the table in route.c with each parameter
that it takes, and no other routes."""

import pathlib
import re
import sys

DEFINE = re.compile(r'^#define (\w+) +"(/api/[^"]*)"', re.MULTILINE)
ROUTE = re.compile(r'\{"(GET|POST)", ((?:"[^"]*"|\w+)(?: "[^"]*")?), \w+, \w+, (\w+),')
PARAMETERS = re.compile(r"\*const (\w+_params)\[\w*\] = \{(.*?)\};", re.DOTALL)
NAME = re.compile(r'"([a-z_]+)"')


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


def main():
    source = pathlib.Path(sys.argv[1])
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
    for fault in sorted(faults):
        print(f"core/api/JOBS.md: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
