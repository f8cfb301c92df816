/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/data_text.h"

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/json_tree.h"
#include "core/model/report.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static int read_tree(const struct report *report, struct arena *arena, struct tree *out_tree)
{
    int status = source_check(report, report->is_json ? SOURCE_JSON : SOURCE_YAML);
    if (status != 0) {
        return status;
    }
    return report->is_json ? json_tree_read(report, arena, out_tree)
                           : yaml_tree_read(report, arena, out_tree);
}

int data_text_read(const char *name, struct str text, struct diagnostics *diagnostics,
                   struct document **out_document)
{
    bool has_mark = str_starts_with(text, STR("\xEF\xBB\xBF"));
    struct str source = has_mark ? str_make(text.p + 3, text.n - 3) : text;
    struct report report = {.diagnostics = diagnostics,
                            .file = name,
                            .source = source,
                            .holds = "input",
                            .is_json = source_is_json(str_from(name), source)};
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    struct error err = {0};
    int status = read_tree(&report, &arena, &tree);
    if (status == 0) {
        struct builder *b = builder_create();
        tree_write(&tree, NULL, NULL, b);
        status = builder_finish(b, out_document, &err);
    }
    if (err.code != 0 && err.code != E_NOMEM) { /* a number without an end */
        report_error(&report, tree.place, "%s", err.message);
        status = E_INVALID;
    }
    arena_finish(&arena);
    return diagnostics_status(diagnostics) != 0 ? E_NOMEM : status;
}
