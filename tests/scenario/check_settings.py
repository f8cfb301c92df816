#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_settings.py SOURCE BUILD

The page of settings, config/README.md, has a row for each key of opstream.yaml, with the default that
`opstream schema --settings` has, and none for keys that there are not; and a row for each variable of
the environment that the program reads. The schema that is shipped is the one that is printed
and takes keys with nothing behind them as the program does, and the file that is installed has them all."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Read by the program, and for nobody to set: handed from one of our processes to the next.
INTERNAL = {"OPSTREAM_SECRETS_FD", "OPSTREAM_TELL_FD"}
# A variable's name in a call that reads it.
READS = re.compile(r'\b(?:getenv|variable|read_variable|first_env)\("([A-Za-z_]+)"(?:, "([A-Za-z_]+)")?')
OURS = re.compile(r'"(OPSTREAM_[A-Z_]+)"')


def settings_of(schema):
    """Each key by its whole name, with the default as the page writes it, or None."""
    found = {}

    def visit(prefix, tree):
        for name, value in tree.get("properties", {}).items():
            found[prefix + name] = value.get("default")
            visit(prefix + name + ".", resolve(value))
            inner = value.get("additionalProperties")
            if isinstance(inner, dict):
                visit(prefix + name + ".NAME.", resolve(inner))

    def resolve(tree):
        return schema["$defs"][tree["$ref"].split("/")[-1]] if "$ref" in tree else tree

    visit("", schema)
    return found


def rows_under(page, heading):
    part = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in part.split("\n") if line.startswith("| `")]
    return {name: row for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def check_keys(page, schema):
    rows = rows_under(page, "Every setting")
    wanted = settings_of(schema)
    for name in wanted.keys() - rows.keys():
        yield f"'{name}' has no row"
    for name in rows.keys() - wanted.keys():
        yield f"the row '{name}' is of no setting"
    for name in wanted.keys() & rows.keys():
        default = wanted[name]
        text = default if isinstance(default, str) else json.dumps(default)
        if default is not None and rows[name][2] != f"`{text}`":
            yield f"the default of '{name}' is {text}, not {rows[name][2]}"


def check_empty(build, schema):
    """With nothing behind it, the schema takes a key that the program takes, and no other."""
    for name, tree in schema["properties"].items():
        if "$ref" in tree:
            tree = schema["$defs"][tree["$ref"].split("/")[-1]]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(f"{name}:\n")
            file.flush()
            done = subprocess.run([build / "bin/opstream", "nodes", "--config", file.name], check=False,
                                  capture_output=True)
        if (done.returncode == 0) != ("null" in tree.get("type", [])):
            yield f"'{name}:' ends with {done.returncode}, and the schema says {tree.get('type')}"


def check_variables(source, page):
    rows = rows_under(page, "Environment variables")
    read = set()
    for folder in ("core", "plugins"):
        for path in (source / folder).rglob("*.c"):
            text = path.read_text()
            read |= {name for found in READS.findall(text) for name in found if name}
            read |= set(OURS.findall(text))
    if not {"OPSTREAM_STATE", "OPSTREAM_PLUGIN_PATH", "LOG_LEVEL", "NO_COLOR", "no_proxy"} <= read:
        yield f"this test does not see what is read: {sorted(read)}"
    for name in sorted(read - INTERNAL):
        if name not in rows and name.lower() not in rows:
            yield f"the variable '{name}' has no row"
    for name in rows.keys() - read - {"OPSTREAM_SECRET_NAME", "PATH", "TERM"}:
        yield f"nothing reads the variable '{name}'"


def check_installed(source, build, schema):
    """Without its comment signs the file that is installed has every setting, and is valid."""
    text = re.sub(r"^#(?=[a-z_]|  +\S)", "", (source / "config/opstream.yaml").read_text(), flags=re.MULTILINE)
    for name in settings_of(schema):
        if not re.search(rf"(^|[\s{{]){name.split('.')[-1]}:", text):
            yield f"config/opstream.yaml does not have '{name}'"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([build / "bin/opstream", "nodes", "--config", file.name], check=False,
                              capture_output=True, text=True)
    if done.returncode != 0:
        yield f"config/opstream.yaml without its comment signs: {done.stderr}"


def main():
    source, build = (pathlib.Path(argument) for argument in sys.argv[1:3])
    page = (source / "config/README.md").read_text()
    printed = subprocess.run([build / "bin/opstream", "schema", "--settings"], check=True,
                             capture_output=True, text=True).stdout
    faults = list(check_keys(page, json.loads(printed))) + list(check_variables(source, page))
    faults += check_empty(build, json.loads(printed))
    faults += check_installed(source, build, json.loads(printed))
    if printed != (source / "config/opstream.schema.json").read_text():
        faults.append("do build/bin/opstream schema --settings > config/opstream.schema.json")
    for fault in faults:
        print(f"config/README.md: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
