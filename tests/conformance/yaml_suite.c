/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a YAML test suite: yaml_suite FILE.jsonl
 *
 * Each line is {"id": ..., "yaml": the text, "fail": true when it is not YAML, "json": what it
 * means, as JSON text}. What is no YAML must be refused. What is must load, with the values of
 * "json", or be refused for a reason of our subset: tags, merge keys, a second document, and the
 * like. The result is 0 when every case went so, 1 when one did not, 2 when the file cannot be
 * read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/report.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct tally {
    size_t loaded;
    size_t refused;       /* no YAML */
    size_t out_of_subset; /* YAML, but not ours */
    size_t failed;
    size_t unreadable;
};

/*
 * What our subset of YAML leaves out, and where libyaml 0.2.5 falls short of YAML 1.2: for the
 * latter, the message says how to write it instead.
 */
static const char *const subset_reasons[] = {
    "tags are not allowed",
    "a second document begins",
    "a key must be text",
    "merge keys",
    "is there twice",
    "inside its own anchor",
    "there is no pipeline in it",
    "directives are not supported",
    "no other YAML than 1.1 and 1.2 is supported",
    "the key and its ':' are not on one line",
    "a ':' within '[]' and '{}' needs a blank behind it",
    "plain text within '[]' and '{}' cannot begin with",
    "a tab is not allowed here",
    "a tab is used for indentation",
    "names of anchors and aliases have letters, digits, '-' and '_' only",
    "text of '|' and '>' must be indented",
};

static bool is_reason_of_subset(const char *message)
{
    for (size_t i = 0; i < sizeof(subset_reasons) / sizeof(subset_reasons[0]); i++) {
        if (strstr(message, subset_reasons[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool has_value(const struct tree *tree, const struct value *json)
{
    cleanup_document struct document *expected = NULL;
    cleanup_document struct document *document = NULL;
    struct builder *b = builder_create();
    tree_write(tree, NULL, NULL, b);
    return builder_finish(b, &document, NULL) == 0 &&
           json_read(value_str(json), NULL, &expected, NULL) == 0 &&
           value_equal(document_root(document), document_root(expected));
}

static void judge(const struct value *test, int status, const struct tree *tree,
                  const struct diagnostics *diagnostics, struct tally *tally)
{
    struct str id = value_str(value_get(test, STR("id")));
    const struct value *json = value_get(test, STR("json"));
    bool is_bad = value_is(value_get(test, STR("fail")), VALUE_BOOL);
    const char *message = diagnostics->count > 0 ? diagnostics->items[0].message : "no message";
    if (status != 0 && is_bad) {
        tally->refused++;
    } else if (status != 0 && is_reason_of_subset(message)) {
        tally->out_of_subset++;
    } else if (status == 0 && !is_bad && (json == NULL || has_value(tree, json))) {
        tally->loaded++;
    } else {
        tally->failed++;
        printf("%.*s: %s: %s\n", STR_ARG(id), is_bad ? "not YAML" : "YAML",
               status == 0 ? is_bad ? "was accepted" : "loads with other values" : message);
    }
}

static int run_case(const struct value *test, struct tally *tally)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    const struct value *yaml = value_get(test, STR("yaml"));
    if (!value_is(yaml, VALUE_STRING) || !value_is(value_get(test, STR("id")), VALUE_STRING)) {
        tally->unreadable++;
        return 0;
    }
    struct report report = {.diagnostics = &diagnostics, .file = "case", .source = value_str(yaml)};
    int status = source_check(&report, SOURCE_YAML);
    status = status == 0 ? yaml_tree_read(&report, &arena, &tree) : status;
    if (status != E_NOMEM) {
        judge(test, status, &tree, &diagnostics, tally);
    }
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return status == E_NOMEM ? status : 0;
}

static int run_lines(FILE *file, struct tally *tally)
{
    cleanup_free char *line = NULL;
    size_t size = 0;
    ssize_t length = 0;
    while ((length = getline(&line, &size, file)) > 0) {
        cleanup_document struct document *document = NULL;
        if (json_read(str_make(line, (size_t)length), NULL, &document, NULL) != 0) {
            tally->unreadable++;
        } else if (run_case(document_root(document), tally) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: yaml_suite FILE.jsonl\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (file == NULL) {
        fprintf(stderr, "yaml_suite: '%s': %s\n", argv[1], strerror(errno));
        return 2;
    }
    int status = run_lines(file, &tally);
    (void)fclose(file); /* it was only read */
    printf("%zu loaded, %zu refused, %zu not of our subset, %zu failed, %zu unreadable\n",
           tally.loaded, tally.refused, tally.out_of_subset, tally.failed, tally.unreadable);
    if (status != 0 || tally.unreadable > 0) {
        return 2;
    }
    return tally.failed > 0 ? 1 : 0;
}
