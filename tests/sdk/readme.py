#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does what sdk/README.md says, and compares what comes of it with what is shown there.

usage: readme.py SOURCE_FOLDER BUILD_FOLDER

* A block whose fence goes on with "file=NAME" is written into the folder where the commands are then.
* In a ```console block each command stands behind "$ ", or behind "# " where it is root's; below it is
  what it prints, where a line "..." stands for any lines. All must end with 0. Numbers of seconds and
  names of compilers are not compared.
* A block with "not run: WHY" is for people alone.

One shell does all of it, with OpStream as it is installed. What root does there is played: packages
are unpacked instead of installed, and `cmake --install` and `make install` write into a folder of the test.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```([\w+]+) ?(.*)$")
COMMANDS_MOST = 25
HOME = "/home/ada"
VARIES = [(re.compile(r"^\S+Z warn a call of a node held the loop up .*\n", re.M), ""), # of a slow machine
          (re.compile(r"\d+(\.\d+)? (sec|ms|s)\b"), "N TIME"), (re.compile(r"\d+ rules: \d+ ok"), "N rules: N ok"),
          (re.compile(r"\d+ not applicable"), "N not applicable"), (re.compile(r"is GNU [\d.]+"), "is GNU X"),
          (re.compile(r" {2,}"), "  "), (re.compile(r"\.{3,} "), "... "), (re.compile(r"_(amd64|arm64)\b"), "_ARCH"),
          (re.compile(r"\b\w+-linux-gnu\b"), "TRIPLET")]
# As root would: $ROOT is what they write into, $PREFIX where OpStream is installed.
PRELUDE = r"""
umask 022
apt() {
    for package in "$@"; do
        case $package in
            ../*) dpkg-deb -x "$package" "$ROOT" && mkdir -p "$PLUGINS" && cp -a "$ROOT"/usr/lib/*/opstream/plugins/* "$PLUGINS" ;;
        esac
    done
}
dpkg-buildpackage() { command dpkg-buildpackage -d "$@"; } # of what it needs nothing is installed as a package
"""


def parts(text):
    """("file", name, content) and ("run", prompt, command, shown) of the page, in their order."""
    lines = iter(text.split("\n"))
    for line in lines:
        fence = FENCE.match(line)
        if not fence:
            continue
        block = []
        for inner in lines:
            if inner == "```":
                break
            block.append(inner)
        language, more = fence.groups()
        if more.startswith("file="):
            yield "file", more[5:], "\n".join(block) + "\n"
        elif language == "console" and not more.startswith("not run: "):
            yield from commands(block)


def commands(block):
    found = []
    for line in block:
        if found and found[-1][2].endswith("\\"):
            found[-1][2] += "\n" + line
        elif line[:2] in ("$ ", "# "):
            found.append(["run", line[0], line[2:], []])
        else:
            found[-1][3].append(line)
    return [tuple(one) for one in found]


class Shell:
    """One shell for all commands, so that `cd` lasts."""

    def __init__(self, folder, environment):
        self.mark = "done-with-this-command"
        self.shell = subprocess.Popen(["bash", "--norc"], cwd=folder, env=environment, text=True, bufsize=1,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.run(PRELUDE)

    def run(self, command):
        self.shell.stdin.write(f"{command}\necho {self.mark} $?\n")
        self.shell.stdin.flush()
        said = []
        for line in self.shell.stdout:
            before, marked, code = line.partition(self.mark)
            if marked:
                return "".join(said) + before, int(code)
            said.append(line)
        return "".join(said), -1

    def folder(self):
        return pathlib.Path(self.run("pwd")[0].strip())

    def close(self):
        self.shell.stdin.close()
        self.shell.wait()


def alike(text):
    for pattern, same in VARIES:
        text = pattern.sub(same, text)
    return text


def is_as_shown(shown, said):
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "..." else re.escape(alike(line.rstrip())) + r"\n" for line in shown)
    return re.fullmatch(pattern, alike("".join(line.rstrip() + "\n" for line in said.splitlines()))) is not None


def play(page, work, prefix):
    plugins = next(iter(prefix.glob("lib/**/opstream/plugins")))
    root = work / "root"
    home = work / "home"
    home.mkdir()
    environment = {
        "PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "ROOT": str(root),
        "PLUGINS": str(plugins), "CMAKE_PREFIX_PATH": str(prefix), "PKG_CONFIG_PATH": f"{plugins.parents[1]}/pkgconfig",
        "DEBFULLNAME": "Ada Example", "DEBEMAIL": "ada@example.org"}
    places = [(str(plugins.parent), "/usr/lib/TRIPLET/opstream"), (str(root), ""), (str(home), HOME)]
    shell = Shell(home, environment)
    count = 0
    for kind, name, text, *shown in parts(page):
        if kind == "file":
            (shell.folder() / name).write_text(text)
            continue
        count += 1
        if text.startswith("dpkg-buildpackage") and shutil.which("dh") is None:
            print(f"debhelper is missing: what comes behind the first {count - 1} commands is left out")
            return 77
        said, code = shell.run(f"DESTDIR={root} {text}" if name == "#" and text.startswith(("cmake", "make")) else text)
        for place, instead in places:
            said = said.replace(place, instead)
        if code != 0 or not is_as_shown(*shown, said):
            print(f"{name} {text}\n{said}[exit {code}]\n\nis not as sdk/README.md shows it:\n" + "\n".join(*shown))
            return 1
    shell.close()
    if not 10 < count <= COMMANDS_MOST:
        print(f"sdk/README.md has {count} commands, not {COMMANDS_MOST} at most")
        return 1
    print(f"{count} commands are as shown")
    return 0


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder).resolve()
        prefix = work / "usr"
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        return play((source / "sdk/README.md").read_text(), work, prefix)


if __name__ == "__main__":
    sys.exit(main())
