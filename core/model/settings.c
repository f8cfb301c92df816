/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/settings.h"

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/format.h"
#include "core/model/report.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* Whether there is nothing but comments: libyaml finds no document there. */
static bool is_empty(struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct str line = str_trim(str_make(text.p, n));
        if (line.n > 0 && line.p[0] != '#') {
            return false;
        }
        n += end != NULL;
        text = str_make(text.p + n, text.n - n);
    }
    return true;
}

static int read_tree(const struct report *report, struct arena *arena, struct tree *out_tree)
{
    int status = source_check(report, SOURCE_YAML);
    if (status != 0 || is_empty(report->source)) {
        return status;
    }
    status = yaml_tree_read(report, arena, out_tree);
    if (status == 0) {
        format_check(report, out_tree, format_settings_keys, "the file of settings", 0);
    }
    return status;
}

static int write_config(const struct tree *tree, struct document **out_config)
{
    const struct tree *config = format_map(tree, "config");
    if (config == NULL) {
        *out_config = document_empty_map();
        return 0;
    }

    struct builder *b = builder_create();
    tree_write(config, NULL, NULL, b);
    return builder_finish(b, out_config, NULL);
}

int settings_read(struct str text, const char *file, struct diagnostics *diagnostics,
                  struct document **out_config, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    struct document *config = NULL;
    size_t errors_before = diagnostics->error_count;
    const struct report report = {.diagnostics = diagnostics, .file = file, .source = text};
    int status = read_tree(&report, &arena, &tree);
    if (status == 0) {
        status = write_config(&tree, &config);
    }
    arena_finish(&arena);
    if (status == 0 && diagnostics->error_count > errors_before) {
        status = E_INVALID;
    }
    if (status != 0) {
        document_unref(config);
        return status == E_NOMEM ? error_nomem(err)
                                 : error_set(err, status, "the settings in '%s' are wrong", file);
    }

    *out_config = config;
    return 0;
}

int settings_merge(const struct document *own, const struct document *site,
                   struct document **out_both)
{
    const struct value *nearer = document_root(own);
    const struct value *farther = site != NULL ? document_root(site) : NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(nearer); i++) {
        const struct value_member *member = value_member_at(nearer, i);
        builder_key(b, value_str(&member->key));
        builder_embed(b, own, &member->value);
    }
    for (size_t i = 0; farther != NULL && i < value_count(farther); i++) {
        const struct value_member *member = value_member_at(farther, i);
        if (value_get(nearer, value_str(&member->key)) == NULL) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, site, &member->value);
        }
    }
    builder_map_end(b);
    return builder_finish(b, out_both, NULL);
}
