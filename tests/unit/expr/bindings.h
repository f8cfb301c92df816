/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_EXPR_BINDINGS_H
#define TESTS_UNIT_EXPR_BINDINGS_H

/*
 * Bindings: a scope whose names are the members of a JSON map, and one call that compiles,
 * evaluates and writes the result as JSON.
 *
 * Used by:  the tests of expr.
 * Uses:     expr, cmocka.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct bindings {
    struct document *document; /* a map */
};

static inline struct bindings bindings_open(const char *json)
{
    struct bindings bindings = {NULL};
    struct error err = {0};
    if (json_read(str_from(json), NULL, &bindings.document, &err) != 0) {
        fail_msg("bindings '%s': %s", json, err.message);
    }
    return bindings;
}

static inline void bindings_close(struct bindings *bindings)
{
    document_unref(bindings->document);
}

static inline int bindings_resolve(void *user, struct str name, struct str *out_hint)
{
    const struct bindings *bindings = user;
    const struct value *map = document_root(bindings->document);
    for (size_t i = 0; i < value_count(map); i++) {
        if (str_equal(name, value_str(&value_member_at(map, i)->key))) {
            return (int)i;
        }
    }
    *out_hint = str_equal_text(name, "imput") ? STR("did you mean 'input'?") : STR("");
    return -1;
}

static inline int bindings_fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct bindings *bindings = user;
    const struct value *map = document_root(bindings->document);
    (void)err;
    *out = cel_from_value(bindings->document, &value_member_at(map, (size_t)slot)->value);
    return 0;
}

static inline struct expr_names bindings_names(struct bindings *bindings)
{
    return (struct expr_names){.resolve = bindings_resolve, .user = bindings};
}

static inline struct expr_scope bindings_scope(const struct bindings *bindings)
{
    return (struct expr_scope){.fetch = bindings_fetch, .user = bindings};
}

/* The value as JSON text; free() it. NULL with `err` when JSON cannot hold it. */
static inline char *bindings_json_of(const struct cel *cel, struct error *err)
{
    struct document *document = NULL;
    struct builder *builder = builder_create();
    struct strbuf text = STRBUF_INIT;
    if (cel_build(cel, builder, err) != 0) {
        builder_destroy(builder);
        return NULL;
    }
    if (builder_finish(builder, &document, err) != 0) {
        return NULL;
    }
    json_write(document_root(document), JSON_COMPACT, &text);
    document_unref(document);
    return strbuf_take(&text);
}

/*
 * Compiles and evaluates `text`; the result as JSON text (free() it), or NULL with `err`.
 * `out_status` is of the step that failed.
 */
static inline char *bindings_evaluate(struct bindings *bindings, struct str text, unsigned flags,
                                      int *out_status, struct error *err)
{
    struct expr_names names = bindings_names(bindings);
    struct expr_scope scope = bindings_scope(bindings);
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    struct cel result;
    char *json = NULL;
    *out_status = expr_compile(text, &names, flags, &expr, NULL, err);
    if (*out_status == 0) {
        *out_status = expr_evaluate(expr, &scope, &arena, &budget, &result, err);
    }
    if (*out_status == 0) {
        json = bindings_json_of(&result, err);
        *out_status = json != NULL ? 0 : err->code;
    }
    expr_destroy(expr);
    arena_finish(&arena);
    return json;
}

#endif
