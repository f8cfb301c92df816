#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `opstream validate` takes must fit what `opstream schema` prints.

usage: schema_agrees.py BUILD PLUGINS FOLDER...

The definitions are those of the scenarios, pipelines and pages in the folders: files that validate
and break the schema would be underlined in editors for nothing. Those of one scenario lie in one
folder, where they can find each other.
"""
import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^-- file (\S+\.(?:yaml|yml|json))\n(.*?)(?=^-- |\Z)", re.MULTILINE | re.DOTALL)


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def definitions(folders):
    names = [f"{folder}/{name}" for folder in folders for name in sorted(os.listdir(folder))]
    for path in names:
        if not path.endswith((".scenario", ".yaml", ".json", ".md")):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith((".yaml", ".json")):
            yield os.path.basename(path), text
            continue
        for name, lines in (BLOCK if path.endswith(".md") else FILE).findall(text):
            yield f"{os.path.basename(path)}/{name.replace('/', '-')}", lines


def main(build, plugins, *folders):
    opstream = f"{build}/bin/opstream"
    options = ["--plugins", plugins]
    with tempfile.TemporaryDirectory() as folder:
        schema = f"{folder}/schema"
        with open(schema, "w", encoding="utf-8") as file:
            file.write(run(opstream, "schema", *options).stdout)
        valid = []
        for name, text in definitions(folders):
            path = f"{folder}/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if run(opstream, "validate", *options, path).returncode == 0:
                valid.append(path)
        if len(valid) < 20:
            sys.exit(f"only {len(valid)} definitions validate: that is no test")
        done = run(f"{build}/tests/bin/schema_check", schema, *valid)
        faults = [line for line in done.stdout.splitlines() if not line.endswith(": fits")]
        print(*faults, done.stderr, sep="\n")
        print(f"{len(valid)} definitions validate; rules of the schema broken: {len(faults)}")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
