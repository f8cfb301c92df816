/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints YAML and JSON files as our readers see them: yaml_json FILE...
 *
 * One line of JSON for each file, in order. The result is 0, or 2 when a file cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/cli/file_text.h"
#include "core/model/json_tree.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { UNREADABLE = 2 };

static int unreadable(const char *file, const char *why)
{
    fprintf(stderr, "%s: %s\n", file, why);
    return UNREADABLE;
}

static int print_tree(const char *file, const struct tree *tree)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    struct strbuf line = STRBUF_INIT;
    struct builder *b = builder_create();
    tree_write(tree, NULL, NULL, b);
    if (builder_finish(b, &document, &err) != 0) {
        return unreadable(file, err.message);
    }
    json_write(document_root(document), JSON_COMPACT, &line);
    printf("%.*s\n", STR_ARG(strbuf_str(&line)));
    int status = strbuf_status(&line) == 0 ? 0 : unreadable(file, "out of memory");
    strbuf_finish(&line);
    return status;
}

static int print_text(const char *file, struct str text)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct report report = {.diagnostics = &diagnostics, .file = file, .source = text};
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    bool is_json = str_ends_with(str_from(file), STR(".json"));
    int status = is_json ? json_tree_read(&report, &arena, &tree)
                         : yaml_tree_read(&report, &arena, &tree);
    status =
        status == 0 && diagnostics.error_count == 0
            ? print_tree(file, &tree)
            : unreadable(file, diagnostics.count > 0 ? diagnostics.items[0].message : "memory");
    arena_finish(&arena);
    diagnostics_finish(&diagnostics);
    return status;
}

static int print_file(const char *file)
{
    struct error err = {0};
    char *text = NULL;
    size_t size = 0;
    if (file_text_read(file, TREE_MAX_BYTES, &text, &size, &err) != 0) {
        return unreadable(file, err.message);
    }
    int status = print_text(file, str_make(text, size));
    free(text);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? 0 : unreadable("usage", "yaml_json FILE...");
    for (int i = 1; i < argc && status == 0; i++) {
        status = print_file(argv[i]);
    }
    return status;
}
