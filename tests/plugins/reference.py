#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reference.py SOURCE BUILD [--update]

The node types on the page plugins/README.md, below its mark, are those that the program has, with what
the manifests say of them. With --update the page gets what they say now."""

import json
import pathlib
import subprocess
import sys

MARK = "<!-- Below here all comes from the manifests: python3 tests/plugins/reference.py . build --update -->\n"
HOPS = 16


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{cell(text)}`"


class Schema:
    """A JSON Schema as words."""

    def __init__(self, root):
        self.root = root

    def follow(self, tree):
        for _ in range(HOPS):
            if not isinstance(tree, dict) or "$ref" not in tree:
                return tree
            here = self.root
            for name in tree["$ref"].removeprefix("#/").split("/"):
                here = here[name]
            tree = {**here, **{key: value for key, value in tree.items() if key != "$ref"}}
        return {}

    def kind(self, tree, level=0):
        tree = self.follow(tree)
        if not isinstance(tree, dict):
            return "any"
        branches = tree.get("anyOf") or tree.get("oneOf")
        if "enum" in tree:
            return ", ".join(code(value) for value in tree["enum"])
        if tree.get("type") == "array":
            inner = self.kind(tree.get("items", {}), level + 1)
            return "list" if inner == "any" or level > 1 else f"list of {inner}"
        if isinstance(tree.get("type"), str):
            return {"object": "map", "string": "text"}.get(tree["type"], tree["type"])
        if isinstance(tree.get("type"), list):
            return " or ".join(self.kind({"type": one}) for one in tree["type"])
        if tree.get("format") == "cel":
            return "expression"
        if branches and level < 2:
            kinds = dict.fromkeys(self.kind(one, level + 1) for one in branches)
            return " or ".join(kinds)
        return "any"

    def rows(self):
        """Name, schema and whether it is needed, of each key."""
        tree = self.follow(self.root)
        needed = tree.get("required", [])
        for name, value in tree.get("properties", {}).items():
            yield name, self.follow(value) if isinstance(value, dict) else {}, name in needed


def table(schema, heading):
    rows = list(Schema(schema).rows())
    lines = [f"| {heading} | type | default | what it says |", "|---|---|---|---|"]
    for name, tree, is_needed in rows:
        default = "needed" if is_needed else code(tree["default"]) if "default" in tree else ""
        lines.append(f"| `{name}` | {Schema(schema).kind(tree)} | {default} | {cell(tree.get('description', ''))} |")
    return lines + [""]


def config(schema):
    if any(Schema(schema).rows()):
        return table(schema, "config")
    return ["Config: none." if schema.get("additionalProperties") is False else "Config: any keys.", ""]


def output_line(schema):
    if not schema:
        return "Output: see above."
    rows = list(Schema(schema).rows())
    if not rows:
        text = schema.get("description", "")
        return f"Output: {cell(text) or Schema(schema).kind(schema)}."
    return "Output: " + ", ".join(f"`{name}` ({Schema(schema).kind(tree)})" for name, tree, _ in rows) + "."


def yes(flag):
    return "yes" if flag else "no"


def flags_row(name, node, shown):
    outcomes = [word for word in shown["outcomes"] if word not in ("success", "error")]
    if shown["outcomes_from"]:
        outcomes.append(f"those of `{shown['outcomes_from']}`")
    more = ["emits items"] if shown["streams"] else []
    more += ["outcomes: " + ", ".join(outcomes)] if outcomes else []
    more += ["can tell whether its service is there"] if shown["checks"] else []
    effects, again = (yes(node["side_effects"] if "side_effects" in node else True), yes(node["idempotent"])) \
        if node else ("", "")
    return (f"| [`{name}`](#{anchor(name)}) | {cell(shown['summary'])} | {shown['risk']} | {effects} | {again} | "
            f"{'; '.join(more)} |")


def anchor(name):
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter in "_-")


class Reference:
    def __init__(self, source, build):
        self.build = build
        self.manifests = {}
        for path in sorted((source / "plugins").glob("*/manifest.json")):
            manifest = json.loads(path.read_text())
            self.manifests[manifest["id"]] = manifest
        self.types = {one["type"]: one for one in self.ask()}

    def ask(self, *arguments):
        done = subprocess.run([self.build / "bin/opstream", "nodes", *arguments, "--json"], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def flags(self, names, nodes):
        yield "| type | what it does | risk | side effects | safe again | more |"
        yield "|---|---|---|---|---|---|"
        for name in names:
            yield flags_row(name, nodes.get(name), self.ask(name))
        yield ""

    def each(self, names, level):
        for name in names:
            shown = self.ask(name)
            yield from (f"{level} {name}", "")
            yield from (cell(shown["docs"] or shown["summary"][0].upper() + shown["summary"][1:] + "."), "")
            yield from config(shown["config_schema"])
            if shown["plugin"]:
                yield from (output_line(shown["output_schema"]), "")

    def plugin(self, manifest):
        name = manifest["id"]
        nodes = {node["type"]: node for node in manifest["nodes"]}
        missing = nodes.keys() ^ {one for one, line in self.types.items() if line["plugin"] == name}
        if missing:
            raise SystemExit(f"the program and the manifest of '{name}' disagree on {sorted(missing)}")
        yield from (f"## Plugin {name}", "")
        yield f"{cell(manifest['summary'])}. Examples: [{name}/README.md]({name}/README.md)."
        yield ""
        yield from self.flags(nodes, nodes)
        if "settings_schema" in manifest:
            yield from ("Settings, for all its nodes:", "")
            yield from table(manifest["settings_schema"], f"`integrations.{name}`")
        yield from self.each(nodes, "###")

    def lines(self):
        own = [name for name, line in self.types.items() if not line["plugin"]]
        yield from ("## Types of the engine", "")
        yield "Part of the program. Examples: [the format](../config/pipelines/README.md#node-types-of-the-engine)."
        yield ""
        yield from self.flags(own, {})
        yield from self.each(own, "###")
        for manifest in self.manifests.values():
            yield from self.plugin(manifest)


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    path = source / "plugins/README.md"
    page = path.read_text()
    wanted = page.split(MARK)[0] + MARK + "\n" + "\n".join(Reference(source, build).lines()).rstrip("\n") + "\n"
    if "--update" in sys.argv:
        path.write_text(wanted)
    elif page != wanted:
        shown, real = page.split("\n"), wanted.split("\n")
        at = next((i for i, (one, other) in enumerate(zip(shown, real)) if one != other), min(len(shown), len(real)))
        print(f"plugins/README.md:{at + 1}: the manifests say\n{real[at] if at < len(real) else '(nothing)'}\n"
              "python3 tests/plugins/reference.py . build --update")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
