#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants one violation in a small tree and sees that the checker finds it, and nothing else.

usage: plants.py CHECKER ROOT PLANT     CHECKER: style or layering; PLANT: "clean" or a name below
       plants.py CHECKER --names
"""
import os
import shutil
import subprocess
import sys
import tempfile

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def function(lines, body="    n++;\n"):
    return f"{SPDX}int f(int n)\n{{\n{body * lines}    return n;\n}}\n"


def calls(name):
    return f"{SPDX}void f(void)\n{{\n    {name}();\n}}\n"


def switch(arms):
    rows = "".join(f"    case {i}:\n        return {i * 7};\n" for i in range(arms))
    return f"{SPDX}int f(int n)\n{{\n    switch (n) {{\n{rows}    default:\n        return 0;\n    }}\n}}\n"


def table(rows):
    items = "".join(f'    "{i:070}",\n' for i in range(rows))
    return f"{SPDX}static const char *const texts[] = {{\n{items}}};\n"


def include(line):
    return f"{SPDX}#include {line}\n"


# Name -> (path, content, what the checker must say; None: nothing).
STYLE = {
    "format": ("core/base/a.c", SPDX + "int  f(void);\n", "core/base/a.c:2: not as clang-format"),
    "banned_strcpy": ("core/base/a.c", calls("strcpy"), "core/base/a.c:4: strcpy() is banned"),
    "banned_strcat": ("plugins/x/a.c", calls("strcat"), "strcat() is banned"),
    "banned_sprintf": ("sdk/examples/a.c", calls("sprintf"), "sprintf() is banned"),
    "banned_atoi": ("tests/unit/a.c", calls("atoi"), "atoi() is banned"),
    "banned_strtok": ("core/base/a.c", calls("strtok"), "strtok() is banned"),
    "banned_gets": ("core/base/a.c", calls("gets"), "gets() is banned"),
    "exit_below_main": ("core/cli/cmd_x.c", calls("exit"), "exit() is banned below main()"),
    "exit_in_main_is_fine": ("core/cli/main.c", calls("exit"), None),
    "name_in_a_string_is_fine": ("core/base/a.c",
                                 SPDX + 'const char *s = "strcpy() // exit()";\n', None),
    "long_function": ("core/base/a.c", function(58), "a.c:2: f() has 61 lines, more than 60"),
    "function_of_60_is_fine": ("core/base/a.c", function(57), None),
    "flat_switch_is_fine": ("core/base/a.c", switch(100), None),
    "long_file": ("core/base/a.c", SPDX + "int f(void);\n" * 800, "a.c:1: the file has 801 lines"),
    "long_table_is_fine": ("core/base/a.c", table(900), None),
    "vague_name": ("core/base/util.c", SPDX, "'util' says nothing"),
    "unfinished": ("core/base/a.c", SPDX + "/* TO" "DO: more */\n", "a.c:2: unfinished"),
    "line_comment": ("core/base/a.c", SPDX + "// no\n", "a.c:2: write comments as /* */"),
    "guard": ("core/base/a.h", SPDX + "#ifndef A_H\n#define A_H\n#endif\n",
              "the header's guard is not CORE_BASE_A_H"),
    "licence": ("core/base/a.c", "int f(void);\n", "a.c:1: the first line is not the SPDX line"),
    "licence_of_a_script": ("packaging/run", "#!/bin/sh\ntrue\n",
                            "packaging/run:1: the first line is not the SPDX line"),
    "open_last_line": ("core/base/a.c", SPDX + "int f(void);", "the last line does not end"),
}
LAYERING = {
    "upward": ("core/base/a.c", include('"core/value/value.h"'),
               "core/base/a.c:2: core/base may not include core/value"),
    "downward_is_fine": ("core/value/a.c", include('"core/base/str.h"'), None),
    "host_and_net": ("core/host/a.c", include('"core/net/net.h"'),
                     "core/host may not include core/net"),
    "journal_and_host": ("core/journal/a.c", include('"core/host/host.h"'),
                         "core/journal may not include core/host"),
    "core_and_plugins": ("core/cli/a.c", include('"plugins/http/http.h"'),
                         "is not core's to include"),
    "core_and_tests": ("core/cli/a.c", include('"tests/support/x.h"'), "is not core's to include"),
    "relative": ("core/value/a.c", include('"../base/str.h"'), "not written from the top"),
    "unknown_folder": ("core/extra/a.c", include('"core/base/str.h"'), "'core/extra' is not in"),
    "uv": ("core/engine/a.c", include("<uv.h>"), "<uv.h> may be included in core/host"),
    "uv_in_loop_is_fine": ("core/loop/a.c", include("<uv.h>"), None),
    "curl": ("plugins/http/a.c", include("<curl/curl.h>"), "may be included in core/net only"),
    "yaml": ("core/cli/a.c", include("<yaml.h>"), "<yaml.h> may be included in core/model only"),
    "sqlite": ("core/loop/a.c", include("<sqlite3.h>"), "may be included in core/journal, plugins/search only"),
    "re2": ("core/value/a.c", include("<re2/re2.h>"), "may be included in core/value/*.cc only"),
    "dlopen": ("core/loop/a.c", include("<dlfcn.h>"), "may be included in core/base, core/checker, core/host"),
    "sdk_and_posix": ("sdk/include/opstream/a.h", include("<unistd.h>"),
                      "sdk includes standard headers only, not 'unistd.h'"),
    "sdk_and_core": ("sdk/examples/a.c", include('"core/base/str.h"'),
                     "sdk includes standard headers only"),
    "sdk_and_cxx": ("sdk/examples/a.c", include("<string_view>"), "sdk includes standard headers only"),
    "sdk_in_cxx_is_fine": ("sdk/include/opstream/a.hpp", include("<string_view>"), None),
    "sdk_and_itself_is_fine": ("sdk/examples/a.c", include('"opstream/sdk.h"'), None),
    "plugin_and_core": ("plugins/http/a.c", include('"core/base/str.h"'),
                        "a plugin includes sdk, plugins/service, plugins/message, plugins/private and its own folder"),
    "plugin_and_core_in_brackets": ("plugins/http/a.c", include("<core/base/str.h>"),
                                    "a plugin includes sdk, plugins/service, plugins/message, plugins/private and its own folder"),
    "plugin_and_plugin": ("plugins/http/a.c", include('"../jq/jq.h"'),
                          "a plugin includes sdk, plugins/service, plugins/message, plugins/private and its own folder"),
    "plugin_and_plugin_by_name": ("plugins/http/a.c", include('"jq/program.h"'),
                                  "a plugin includes sdk, plugins/service, plugins/message, plugins/private and its own folder"),
    "plugin_and_service_is_fine": ("plugins/http/a.c", include('"service/text.h"'), None),
    "plugin_and_plugin_through_service": ("plugins/http/a.c", include('"service/../jq/program.h"'),
                                          "a plugin includes sdk, plugins/service"),
    "plugin_and_sdk_is_fine": ("plugins/http/a.c", include('"opstream/sdk.h"'), None),
    "comment_is_fine": ("core/base/a.c", SPDX + "/*\n#include <uv.h>\n*/\n", None),
    "tests_are_free": ("tests/unit/a.c", include('"core/net/net.h"'), None),
}


def plant(checker, root, name):
    """0 when the checker says what it must about a tree with this plant."""
    path, content, expected = {"style": STYLE, "layering": LAYERING}[checker].get(
        name, ("core/base/clean.c", SPDX, None))
    with tempfile.TemporaryDirectory() as tree:
        os.makedirs(os.path.join(tree, "core"))
        shutil.copy(os.path.join(root, ".clang-format"), tree)
        shutil.copy(os.path.join(root, "core/README.md"), os.path.join(tree, "core"))
        os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write(content)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), checker + ".py")
        done = subprocess.run([sys.executable, script, tree], capture_output=True, text=True,
                              check=False)
    said = done.stdout.splitlines()
    if expected is None:
        is_right = done.returncode == 0 and not said
    else:
        is_right = done.returncode == 1 and len(said) == 1 and expected in said[0]
    if not is_right:
        print(f"expected: {expected}\nsaid: {done.stdout}{done.stderr}")
    return 0 if is_right else 1


if sys.argv[2] == "--names":
    print(";".join(["clean", *{"style": STYLE, "layering": LAYERING}[sys.argv[1]]]), end="")
    sys.exit(0)
sys.exit(plant(*sys.argv[1:4]))
