/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/unused.h"

#include "core/model/report.h"
#include "core/model/schema_marks.h"
#include "core/model/tree.h"
#include "core/value/value.h"

/* A map and where it is. */
struct level {
    const struct level *around; /* NULL: it is the root */
    struct str key;             /* in the one around */
    const struct tree *map;
    const struct value *schema;
};

struct search {
    const struct report *report;
    const struct value *root;
    const char *what;
};

/* "bot." */
static void append_path(const struct level *level, struct strbuf *out)
{
    if (level->around != NULL) {
        append_path(level->around, out);
        strbuf_append_format(out, "%.*s.", STR_ARG(level->key));
    }
}

static void report_one(const struct search *search, const struct level *level,
                       const struct tree *key, struct str why)
{
    struct strbuf path = STRBUF_INIT;
    append_path(level, &path);
    report_warning(search->report, key->place,
                   "'%.*s%.*s' of %s has no effect in this version: %.*s",
                   STR_ARG(strbuf_str(&path)), STR_ARG(key->text), search->what, STR_ARG(why));
    strbuf_finish(&path);
}

/* No deeper than trees may be. */
static void look(const struct search *search, const struct level *level)
{
    for (uint32_t i = 0; i < level->map->count; i++) {
        const struct tree_member *member = &level->map->as.members[i];
        const struct value *schema =
            schema_marks_child(search->root, level->schema, &member->key.text);
        struct str why = schema_marks_unused(search->root, schema);
        if (why.n > 0) {
            report_one(search, level, &member->key, why);
        } else if (schema != NULL && tree_is(&member->value, TREE_MAP)) {
            const struct level below = {level, member->key.text, &member->value, schema};
            look(search, &below);
        }
    }
}

void unused_report(const struct report *report, const struct tree *tree, const struct value *schema,
                   const char *what)
{
    const struct search search = {report, schema, what};
    const struct level root = {NULL, STR(""), tree, schema};
    if (schema != NULL && tree_is(tree, TREE_MAP)) {
        look(&search, &root);
    }
}
