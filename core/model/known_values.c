/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/known_values.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/expr/expr.h"
#include "core/expr/pieces.h"
#include "core/expr/template.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* A constant of the template. */
struct known_value {
    const struct value *source; /* the string that it is written as */
    struct document *document;  /* NULL: text with a variable that is not set */
};

static int fetch_nothing(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)user;
    (void)slot;
    (void)out;
    return error_set(err, E_INVALID, "a constant reads nothing");
}

/* The value of a constant as a document; NULL: it has none. */
static int evaluate(const struct expr *expr, struct document **out_document)
{
    struct expr_scope scope = {.fetch = fetch_nothing};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel value;
    struct error err = {0};
    int status = expr_evaluate(expr, &scope, &arena, &budget, &value, &err);
    if (status == 0 && value.type != CEL_OPTIONAL) {
        struct builder *b = builder_create();
        status = cel_build(&value, b, &err);
        if (status == 0) {
            status = builder_finish(b, out_document, &err);
        } else {
            builder_destroy(b);
        }
    }
    arena_finish(&arena);
    return status == E_NOMEM ? status : 0;
}

/* Whether text stands around the expressions of `text`, or there are several. */
static enum schema_knowledge look_at_text(struct str text, int *status)
{
    struct arena arena = ARENA_INIT;
    struct piece *pieces = NULL;
    size_t count = 0;
    struct expr_fault fault = {0};
    struct error err = {0};
    struct str trimmed = str_trim(text);
    const char *close = memmem(trimmed.p, trimmed.n, "}}", 2);
    if (close != NULL && str_starts_with(trimmed, STR("{{")) &&
        close + 2 == trimmed.p + trimmed.n) {
        return SCHEMA_UNKNOWN; /* nearly all are one expression and nothing else */
    }
    int cut = pieces_cut(text, &arena, &pieces, &count, &fault, &err);
    bool is_text = cut == 0 && pieces_only_expr(pieces, count) == NULL;
    *status = cut == E_NOMEM ? cut : *status;
    arena_finish(&arena);
    return is_text ? SCHEMA_SOME_TEXT : SCHEMA_UNKNOWN;
}

/* Takes `document`. */
static int keep(struct known_values *known, const struct value *source, struct document *document)
{
    struct known_value *constants =
        array_reserve(known->constants, &known->cap, known->count + 1, sizeof(*constants));
    if (constants == NULL) {
        document_unref(document);
        return E_NOMEM;
    }
    known->constants = constants;
    constants[known->count++] = (struct known_value){source, document};
    return 0;
}

static int add(struct known_values *known, struct str pointer, const struct expr *expr)
{
    const struct value *source = value_pointer(template_source(known->template), pointer);
    struct document *document = NULL;
    int status = 0;
    if (source == NULL || look_at_text(value_str(source), &status) == SCHEMA_SOME_TEXT) {
        return status;
    }
    status = status == 0 ? evaluate(expr, &document) : status;
    return status == 0 && document != NULL ? keep(known, source, document) : status;
}

/* Text of which a part is not known before the variable is set. */
static int add_unset(struct known_values *known, size_t i)
{
    struct str pointer = {0};
    (void)template_unset_at(known->template, i, &pointer); /* its name is no matter */
    const struct value *source = value_pointer(template_source(known->template), pointer);
    return value_is(source, VALUE_STRING) ? keep(known, source, NULL) : 0;
}

/* By the address of the source. */
static int compare(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct known_value *)a)->source;
    uintptr_t right = (uintptr_t)((const struct known_value *)b)->source;
    return left < right ? -1 : left > right ? 1 : 0;
}

int known_values_find(const struct template *template, struct known_values *out)
{
    *out = (struct known_values){.template = template};
    int status = 0;
    for (size_t i = 0; i < template_expr_count(template) && status == 0; i++) {
        struct str pointer = {0};
        size_t offset = 0;
        const struct expr *expr = template_expr_at(template, i, &pointer, &offset);
        status = expr_reference_count(expr) == 0 ? add(out, pointer, expr) : 0;
    }
    for (size_t i = 0; i < template_unset_count(template) && status == 0; i++) {
        status = add_unset(out, i);
    }
    if (status != 0) {
        known_values_finish(out);
    } else if (out->count > 1) {
        qsort(out->constants, out->count, sizeof(out->constants[0]), compare);
    }
    return status;
}

void known_values_finish(struct known_values *known)
{
    for (size_t i = 0; i < known->count; i++) {
        document_unref(known->constants[i].document);
    }
    free(known->constants);
    *known = (struct known_values){0};
}

enum schema_knowledge known_values_look(const struct value **value, void *known)
{
    struct known_values *values = known;
    if (value_type(*value) != VALUE_STRING) {
        return SCHEMA_KNOWN;
    }
    const struct known_value wanted = {.source = *value};
    const struct known_value *found =
        values->count > 0
            ? bsearch(&wanted, values->constants, values->count, sizeof(wanted), compare)
            : NULL;
    if (found != NULL && found->document == NULL) {
        return SCHEMA_SOME_TEXT;
    }
    if (found != NULL) {
        *value = document_root(found->document);
        return SCHEMA_KNOWN;
    }
    if (!template_is_dynamic(values->template, *value)) {
        return SCHEMA_KNOWN;
    }
    return look_at_text(value_str(*value), &values->status);
}

enum schema_knowledge known_values_look_open(const struct value **value, void *status)
{
    struct str text = value_is(*value, VALUE_STRING) ? value_str(*value) : STR("");
    bool is_open = memmem(text.p, text.n, "{{", 2) != NULL ||
                   memmem(text.p, text.n, "${", 2) != NULL;
    return is_open ? look_at_text(text, status) : SCHEMA_KNOWN;
}

bool known_values_has_expression(struct str text)
{
    for (size_t i = 0; i + 2 < text.n; i++) {
        char c = text.p[i + 2];
        bool is_literal = i > 0 && text.p[i - 1] == '$'; /* $${ */
        bool is_name = (c >= 'A' && c <= 'Z') || c == '_';
        if (text.p[i + 1] == '{' &&
            (text.p[i] == '{' || (text.p[i] == '$' && !is_literal && !is_name))) {
            return true;
        }
    }
    return false;
}
