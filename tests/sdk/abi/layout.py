#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layout of the plugin interface as text: what the compiler made of the headers, from its DWARF.

usage: layout.py dump  COMPILER INCLUDE          prints it
       layout.py check COMPILER INCLUDE FOLDER   FOLDER/VERSION.txt is it, and all others grew into it
       layout.py write COMPILER INCLUDE FOLDER   makes FOLDER/VERSION.txt, where the rules allow it
       layout.py types INCLUDE                   prints a C source with all types, for abidiff
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import rules


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


# ---- Constants ----

CONSTANTS = """
#include <inttypes.h>
#include <stdio.h>
static inline void show_text(const char *name, const char *text) {{ printf("const %s \\"%s\\"\\n", name, text); }}
static inline void show_double(const char *name, double d) {{ printf("const %s %a\\n", name, d); }}
static inline void show_signed(const char *name, int64_t i) {{ printf("const %s %" PRId64 "\\n", name, i); }}
static inline void show_unsigned(const char *name, uint32_t i) {{ printf("const %s %" PRIu32 "u\\n", name, i); }}
#define SHOW(name) _Generic((name), char *: show_text, double: show_double, int: show_signed, \\
                            long: show_signed, unsigned: show_unsigned)(#name, name)
int main(void) {{ {} return 0; }}
"""


def constants(compiler, include, folder):
    """Of all macros without arguments, in the order of their names."""
    head = folder / "head.c"
    head.write_text('#include "opstream/plugin.h"\n')
    macros = run(compiler, "-I", include, "-dM", "-E", str(head))
    names = sorted(set(re.findall(r"^#define (OPS_\w+) ", macros, re.M)) - {"OPS_EXPORT"})
    source = folder / "constants.c"
    shows = "".join(f"SHOW({name}); " for name in names)
    source.write_text('#include "opstream/plugin.h"\n' + CONSTANTS.format(shows))
    run(compiler, "-I", include, "-o", str(folder / "constants"), str(source))
    return run(str(folder / "constants"))


# ---- Types ----

def entries(dump):
    """The entries of .debug_info: offset -> {tag, level, attributes, parent's offset}."""
    found, stack, entry = {}, [], None
    for line in dump.splitlines():
        head = re.match(r" <(\d+)><([0-9a-f]+)>: Abbrev Number: (?:0|\d+ \((DW_TAG_\w+)\))$", line)
        if head:
            level, offset, tag = int(head[1]), int(head[2], 16), head[3]
            if tag is None:
                continue
            del stack[level:]
            entry = {"tag": tag[len("DW_TAG_"):], "children": [], "at": {}}
            found[offset] = entry
            if stack:
                stack[-1]["children"].append(entry)
            stack.append(entry)
            continue
        attribute = re.match(r"\s+<[0-9a-f]+>\s+DW_AT_(\w+)\s*: (.*)$", line)
        if attribute and entry is not None:
            value = re.sub(r"^\((?:indirect (?:line )?string|indexed string)[^)]*\): ", "", attribute[2].strip())
            entry["at"][attribute[1]] = value.strip()
    return found


class Types:
    def __init__(self, dump):
        self.entries = entries(dump)

    def target(self, entry):
        link = entry["at"].get("type")
        return None if link is None else self.entries[int(link.strip("<>")[2:], 16)]

    def size(self, entry):
        if "byte_size" in entry["at"]:
            return int(entry["at"]["byte_size"], 0)
        return 8 if entry["tag"] == "pointer_type" else self.size(self.target(entry))

    def function(self, entry, declarator):
        arguments = [self.name(self.target(c)) for c in entry["children"] if c["tag"] == "formal_parameter"]
        return f"{self.name(self.target(entry))} ({declarator})({', '.join(arguments) or 'void'})"

    def name(self, entry):
        if entry is None:
            return "void"
        tag = entry["tag"]
        if tag in ("base_type", "typedef"):
            return entry["at"]["name"]
        if tag == "structure_type":
            return "struct " + entry["at"]["name"]
        to = self.target(entry)
        if tag == "const_type":
            return self.name(to) + "const" if to and to["tag"] == "pointer_type" else "const " + self.name(to)
        if tag == "pointer_type":
            if to is not None and to["tag"] == "subroutine_type":
                return self.function(to, "*")
            name = self.name(to)
            return name + ("*" if name.endswith("*") else " *")
        return f"{tag}?"  # no such type may be used: the rules say so

    def lines(self, names):
        aliases, structs = [], []
        of_name = {e["at"]["name"]: e for e in self.entries.values() if e["tag"] == "typedef"}
        for name in names:
            to = self.target(of_name[name])
            if to["tag"] != "structure_type":
                aliases.append(f"type {name} = {self.name(to)}")
            elif "declaration" in to["at"]:
                aliases.append(f"type {name} = struct, opaque")
            else:
                structs.append(f"\nstruct {name} {self.size(to)}")
                for member in (c for c in to["children"] if c["tag"] == "member"):
                    kind = self.target(member)
                    structs.append(f"    {int(member['at']['data_member_location'], 0):3} {self.size(kind):3} "
                                   f"{member['at']['name']}: {self.name(kind)}")
        return "\n".join(aliases + structs) + "\n"


def source_of_types(include):
    """A source whose debug information has all types."""
    text = "".join(p.read_text() for p in sorted(pathlib.Path(include).glob("opstream/*.h")) if p.name in HEADERS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    # `} name;`, `(*name)(` and `typedef known name;`
    names = sorted(set(re.findall(r"^} (ops_\w+);", text, re.M)) |
                   set(re.findall(r"^typedef [^;{]*?\(\*(ops_\w+)\)\(", text, re.M)) |
                   set(re.findall(r"^typedef [\w ]+ (ops_\w+);", text, re.M)))
    return names, '#include "opstream/plugin.h"\n' + "".join(f"OPS_EXPORT {n} *of_{n};\n" for n in names)


def types(compiler, include, folder):
    names, text = source_of_types(include)
    source = folder / "types.c"
    source.write_text(text)
    run(compiler, "-g", "-I", include, "-c", "-o", str(folder / "types.o"), str(source))
    return Types(run("readelf", "--debug-dump=info", str(folder / "types.o"))).lines(names)


# sdk.h and what builds on it end up inside a plugin: they are no part of the interface.
HEADERS = {f"{n}.h" for n in ("abi budget exec http job kv log mail plugin process schema secret timer value").split()}


def layout(compiler, include):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        included = run(compiler, "-I", include, "-M", "-include", "opstream/plugin.h", "-x", "c", "/dev/null")
        found = set(re.findall(r"opstream/(\w+\.h)", included))
        if found != HEADERS:
            sys.exit(f"layout.py: plugin.h includes other headers than this test knows: {sorted(found ^ HEADERS)}")
        return constants(compiler, include, folder) + "\n" + types(compiler, include, folder)


# ---- What was released ----

def check(text, folder):
    """What is wrong with the headers, a line each."""
    version = rules.parse(text)["const"]["OPS_SDK_VERSION"].strip('"')
    faults = rules.faults_of(text)
    own = folder / f"{version}.txt"
    if not own.exists():
        faults.append(f"{own.name} is not there: `layout.py write` makes it")
    elif own.read_text() != text:
        faults.append(f"the headers are not those of {version} any more, as {own.name} has it. To append to them: "
                      "see 'How to add' in sdk/ABI.md")
    for other in sorted(folder.glob("*.txt")):
        faults += [f"{other.stem}: {fault}" for fault in rules.faults_between(other.read_text(), text)]
    return version, faults


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "types":
        print(source_of_types(sys.argv[2])[1], end="")
        return
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    deed, compiler, include = sys.argv[1:4]
    text = layout(compiler, include)
    if deed == "dump":
        print(text, end="")
        return
    folder = pathlib.Path(sys.argv[4])
    version, faults = check(text, folder)
    if deed == "write":
        faults = [fault for fault in faults if not fault.startswith((version, "the headers are not"))]
        if not faults:
            (folder / f"{version}.txt").write_text(text)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
