# SPDX-License-Identifier: Apache-2.0
"""The rules of sdk/ABI.md on layouts, as layout.py prints them."""
import re

MAY_CHANGE = {"OPS_SDK_VERSION", "OPS_ABI_MINOR"}
WORDS = {"const", "void", "char", "struct", "opaque", "double", "int32_t", "uint32_t", "int64_t", "uint64_t"}
FIXED = {"ops_str"}  # passed by value and in arrays: it has no size and never grows


def parse(text):
    """{"const": {name: value}, "type": {name: text}, "struct": {name: (size, [(offset, size, name, type)])}}"""
    found = {"const": {}, "type": {}, "struct": {}}
    members = None
    for line in filter(None, text.splitlines()):
        words = line.split(None, 2)
        if line.startswith("    "):
            place, kind = line.split(": ", 1)
            offset, size, name = place.split()
            members.append((int(offset), int(size), name, kind))
        elif words[0] == "struct":
            members = []
            found["struct"][words[1]] = (int(words[2]), members)
        elif words[0] == "type":
            found["type"][words[1]] = words[2].removeprefix("= ")
        else:
            found["const"][words[1]] = words[2]
    return found


# ---- One layout ----

def fault_of_type(text):
    strange = set(re.findall(r"\w+", text)) - WORDS
    strange = {word for word in strange if not word.startswith("ops_")}
    return f"'{text}' is no type of the interface (rule 3)" if strange or "?" in text else None


def faults_of_struct(name, size, members):
    heads = [member[2] for member in members[:2]]
    if name not in FIXED and "size" not in heads:
        yield f"{name} does not begin with its size (rule 2)"
    at = 0
    for offset, width, member, kind in members:
        if offset != at:
            yield f"there is a hole in {name} before {member} (rule 2)"
        at = offset + width
        if width > 16:
            yield f"{name}.{member} is a struct of more than 16 bytes (rule 3)"
        fault = fault_of_type(kind)
        if fault:
            yield f"{name}.{member}: {fault}"
    if at != size:
        yield f"there is a hole at the end of {name} (rule 2)"


def faults_of(text):
    layout = parse(text)
    faults = [fault for name, (size, members) in layout["struct"].items()
              for fault in faults_of_struct(name, size, members)]
    for name, kind in layout["type"].items():
        fault = fault_of_type(kind)
        faults += [f"{name}: {fault}"] if fault else []
    return faults


# ---- An older one and a newer one ----

def faults_of_growth(name, old, new):
    old_size, old_members = old
    new_size, new_members = new
    for i, member in enumerate(old_members):
        if i >= len(new_members) or new_members[i] != member:
            now = " ".join(map(str, new_members[i])) if i < len(new_members) else "gone"
            yield f"{name}: was {' '.join(map(str, member))}, is {now}"
            return
    if new_size != old_size and name in FIXED:
        yield f"{name} must not grow"
    appended = new_members[len(old_members):]
    if appended and appended[0][0] < old_size:
        yield f"{name}.{appended[0][2]} stands in a gap, not behind the end"


def faults_between(old_text, new_text):
    """Why plugins of the old layout would not work with the new one; empty: it was only appended to."""
    old, new = parse(old_text), parse(new_text)
    faults, is_larger = [], False
    for kind in ("const", "type", "struct"):
        for name, value in old[kind].items():
            if name not in new[kind]:
                faults.append(f"{name} is gone")
            elif kind == "struct":
                faults += faults_of_growth(name, value, new[kind][name])
                is_larger = is_larger or new[kind][name][0] != value[0]
            elif name not in MAY_CHANGE and new[kind][name] != value:
                faults.append(f"{name}: was {value}, is {new[kind][name]}")
        is_larger = is_larger or bool(set(new[kind]) - set(old[kind]))
    minors = [int(layout["const"]["OPS_ABI_MINOR"].rstrip("u")) for layout in (old, new)]
    if minors[1] < minors[0] or (is_larger and minors[1] == minors[0]):
        faults.append(f"something was appended, and OPS_ABI_MINOR is {minors[1]}: it must grow")
    return faults
