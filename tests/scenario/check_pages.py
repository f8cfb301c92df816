#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_pages.py SOURCE BUILD

No page that users read has a block that nothing carries out: each has its test, by the name that ctest has,
and where that test takes up blocks of some language alone there are no others. Links of all of them lead
somewhere. A block that cannot be carried out says "not run: WHY" behind its language; see check_examples.py."""

import pathlib
import re
import subprocess
import sys

from check_examples import NOT_RUN, check_links

# The test of each page, and the languages that it takes up; check_examples.py refuses others itself.
PAGES = {
    "README.md": ("readme", None),
    "config/README.md": ("readme_config", None),
    "config/pipelines/README.md": ("readme_config/pipelines", None),
    "plugins/api/README.md": ("plugin_api", {"yaml"}),
    "plugins/code/README.md": ("readme_plugins/code", None),
    "plugins/file/README.md": ("readme_plugins/file", None),
    "plugins/github/README.md": ("plugin_github", {"yaml"}),
    "plugins/http/README.md": ("readme_plugins/http", None),
    "plugins/jq/README.md": ("readme_plugins/jq", None),
    "plugins/llm/README.md": ("plugin_llm", {"yaml"}),
    "plugins/notify/README.md": ("plugin_notify", {"yaml"}),
    "plugins/search/README.md": ("readme_plugins/search", None),
    "plugins/shortcut/README.md": ("plugin_shortcut", {"yaml"}),
    "plugins/slack/README.md": ("plugin_slack", {"yaml"}),
    "sdk/README.md": ("sdk_readme", {"c", "c++", "cmake", "console", "diff", "json", "make", "sh", "text", "yaml"}),
    "sdk/template/c++/README.md": ("sdk_template", {"yaml"}),
    "sdk/template/c/README.md": ("sdk_template", {"yaml"}),
}
FOLDERS = ("config", "plugins", "packaging", "sdk")
FENCE = re.compile(r"^```([\w+]*) ?(.*)$")


class Text:
    """A page as check_links() wants it."""

    def __init__(self, path):
        self.lines = path.read_text().split("\n")


def blocks(lines):
    """The number of the first line, the language and what stands behind it, of each block."""
    inside = False
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if fence and not inside:
            yield number, fence.group(1), fence.group(2)
        inside = inside != bool(fence)


def check_page(source, name, tests):
    text = Text(source / name)
    test, languages = PAGES.get(name, (None, set()))
    for number, language, more in blocks(text.lines):
        is_marked = more.startswith(NOT_RUN) and len(more) > len(NOT_RUN)
        if is_marked:
            print(f"{name}:{number}: {more}")
        elif test is None:
            yield f"{name}:{number}: no test carries this block out: check_pages.py lists those that do"
        elif languages is not None and language not in languages:
            yield f"{name}:{number}: '{test}' does not take up blocks of '{language}': say '{NOT_RUN}WHY' behind it"
    if test is not None and test not in tests:
        yield f"{name}: there is no test '{test}'"
    yield from (f"{name}: {fault}" for fault in check_links(str(source / name), text))


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    listed = subprocess.run(["ctest", "--test-dir", build, "-N"], check=True, capture_output=True, text=True).stdout
    tests = set(re.findall(r"Test +#\d+: (\S+)", listed))
    pages = ["README.md"] + sorted(str(path.relative_to(source)) for folder in FOLDERS
                                   for path in (source / folder).rglob("README.md"))
    faults = [f"{name}: there is no such page" for name in PAGES if name not in pages]
    for name in pages:
        faults += check_page(source, name, tests)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
