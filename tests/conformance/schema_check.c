/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks YAML and JSON files against a JSON Schema: schema_check SCHEMA FILE...
 *
 * For each file `FILE: fits`, or a line `FILE:LINE:COLUMN: POINTER MESSAGE` for each rule that it
 * breaks. The result is 0 when all fit, 1 when one does not, 2 when something cannot be read.
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
#include "core/value/schema.h"
#include "core/value/value.h"

enum outcome { FITS = 0, BREAKS = 1, UNREADABLE = 2 };

static enum outcome unreadable(const char *file, const char *why)
{
    fprintf(stderr, "%s: %s\n", file, why);
    return UNREADABLE;
}

static struct schema *read_schema(const char *file)
{
    struct error err = {0};
    char *text = NULL;
    size_t size = 0;
    cleanup_document struct document *document = NULL;
    struct schema *schema = NULL;
    if (file_text_read(file, TREE_MAX_BYTES, &text, &size, &err) != 0 ||
        json_read(str_make(text, size), NULL, &document, &err) != 0 ||
        schema_compile(document, &schema, &err) != 0) {
        (void)unreadable(file, err.message); /* the caller sees it by the NULL */
    }
    free(text);
    return schema;
}

static void print_violations(const char *file, const struct tree *tree,
                             const struct schema_report *violations)
{
    for (size_t i = 0; i < schema_report_count(violations); i++) {
        const struct schema_violation *violation = schema_report_at(violations, i);
        const struct tree *key = NULL;
        const struct tree *value = tree_pointer(tree, violation->pointer, &key);
        struct place place = violation->on_key && key != NULL ? key->place : value->place;
        printf("%s:%u:%u: %.*s %.*s\n", file, place.line, place.column, STR_ARG(violation->pointer),
               STR_ARG(violation->message));
    }
}

static enum outcome check_tree(const struct schema *schema, const char *file,
                               const struct tree *tree)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    struct schema_report *violations = NULL;
    struct builder *b = builder_create();
    tree_write(tree, NULL, NULL, b);
    if (builder_finish(b, &document, &err) != 0) {
        return unreadable(file, err.message);
    }
    if (schema_validate(schema, document_root(document), &violations, &err) == 0) {
        printf("%s: fits\n", file);
        return FITS;
    }
    if (violations == NULL) {
        return unreadable(file, err.message);
    }
    print_violations(file, tree, violations);
    schema_report_destroy(violations);
    return BREAKS;
}

static enum outcome check_text(const struct schema *schema, const char *file, struct str text)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct report report = {.diagnostics = &diagnostics, .file = file, .source = text};
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    bool is_json = str_ends_with(str_from(file), STR(".json"));
    int status = is_json ? json_tree_read(&report, &arena, &tree)
                         : yaml_tree_read(&report, &arena, &tree);
    enum outcome outcome = UNREADABLE;
    if (status != 0 || diagnostics.error_count > 0) {
        outcome = unreadable(file, diagnostics.count > 0 ? diagnostics.items[0].message : "memory");
    } else {
        outcome = check_tree(schema, file, &tree);
    }
    arena_finish(&arena);
    diagnostics_finish(&diagnostics);
    return outcome;
}

static enum outcome check_file(const struct schema *schema, const char *file)
{
    struct error err = {0};
    char *text = NULL;
    size_t size = 0;
    if (file_text_read(file, TREE_MAX_BYTES, &text, &size, &err) != 0) {
        return unreadable(file, err.message);
    }
    enum outcome outcome = check_text(schema, file, str_make(text, size));
    free(text);
    return outcome;
}

int main(int argc, char **argv)
{
    struct schema *schema = argc > 2 ? read_schema(argv[1]) : NULL;
    enum outcome worst = schema != NULL ? FITS : UNREADABLE;
    if (argc <= 2) {
        fputs("usage: schema_check SCHEMA FILE...\n", stderr);
    }
    for (int i = 2; i < argc && schema != NULL; i++) {
        enum outcome outcome = check_file(schema, argv[i]);
        worst = outcome > worst ? outcome : worst;
    }
    schema_destroy(schema);
    return (int)worst;
}
