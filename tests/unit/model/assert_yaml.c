/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/assert_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "tests/unit/model/tree_text.h"

int read_yaml(struct str text, struct arena *arena, struct diagnostics *diagnostics,
              struct tree *out)
{
    struct report report = {.diagnostics = diagnostics, .file = "t.yaml", .source = text};
    return yaml_tree_read(&report, arena, out);
}

void assert_yaml(const char *yaml, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct tree tree = {0};
    if (read_yaml(str_from(yaml), &arena, &diagnostics, &tree) == 0) {
        tree_text(&tree, &text);
    }
    diagnostics_print(&diagnostics, NULL, NULL, 0, &text);
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}
