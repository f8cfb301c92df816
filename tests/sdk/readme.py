#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does what sdk/README.md says: writes its files, runs its commands, looks for its result.

usage: readme.py SOURCE_FOLDER BUILD_FOLDER
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
text = (source / "sdk/README.md").read_text()
files = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", text, re.M | re.S)
commands = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
assert len(files) == 3 and len(commands) == 1, "the README has other parts than this test knows"

with tempfile.TemporaryDirectory() as folder:
    # $OPSTREAM is a clone with its build in build/; here the build may be elsewhere.
    clone = pathlib.Path(folder) / "opstream"
    clone.mkdir()
    for name in ("sdk", "packaging"):
        (clone / name).symlink_to(source / name)
    (clone / "build").symlink_to(build)
    work = pathlib.Path(folder) / "work"
    work.mkdir()
    for name, content in files:
        (work / name).write_text(content)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "umask 022; " + commands[0]], cwd=work, text=True,
        env=dict(os.environ, OPSTREAM=str(clone), OPSTREAM_STATE=str(work / ".state")), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False)
    if run.returncode != 0 or "Says it louder" not in run.stdout or "HELLO" not in run.stdout:
        print(run.stdout)
        sys.exit(f"the commands of sdk/README.md do not do what it says (exit {run.returncode})")
