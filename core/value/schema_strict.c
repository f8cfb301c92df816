/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What schema_compile_strictly() refuses: keys that are no keywords. Who misspells one believes
 * that it is there. `x-ops-` begins our own marks, of which each is in the table; other `x-` keys
 * are the author's, unless they are one letter off a mark.
 */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/value/schema.h"
#include "core/value/schema_compiler.h"
#include "core/value/value.h"

enum { MARK_BOOL = 1, MARK_TEXT = 2 };

static const struct {
    struct str name;
    unsigned kinds; /* of its value: what is of another one would mean nothing */
} marks[] = {
    {{"x-ops-secret", 12}, MARK_BOOL}, {{"x-ops-public", 12}, MARK_BOOL},
    {{"x-ops-raw", 9}, MARK_BOOL},     {{"x-ops-origin", 12}, MARK_BOOL | MARK_TEXT},
    {{"x-ops-names", 11}, MARK_TEXT},  {{"x-ops-unused", 12}, MARK_TEXT},
};

enum { MARK_COUNT = sizeof(marks) / sizeof(marks[0]) };

static int check_mark(struct compiler *c, struct str key, unsigned kinds,
                      const struct value *operand)
{
    bool is_good = (value_is(operand, VALUE_BOOL) && (kinds & MARK_BOOL) != 0) ||
                   (value_is(operand, VALUE_STRING) && (kinds & MARK_TEXT) != 0);
    const char *must = kinds == MARK_BOOL   ? "must be true or false"
                       : kinds == MARK_TEXT ? "must be text"
                                            : "must be true, false or text";
    return is_good ? 0 : compiler_fail_at(c, c->node, key, E_INVALID, "%s", must);
}

/* A key that begins with `x-`. */
static int check_own(struct compiler *c, struct str key, const struct value *operand)
{
    struct suggest nearest = suggest_start(key);
    for (size_t i = 0; i < MARK_COUNT; i++) {
        if (str_equal(key, marks[i].name)) {
            return check_mark(c, key, marks[i].kinds, operand);
        }
    }
    for (size_t i = 0; i < MARK_COUNT; i++) {
        suggest_offer(&nearest, marks[i].name);
    }
    bool is_ours = str_starts_with(key, STR("x-ops-"));
    if (nearest.best.n > 0 && (is_ours || nearest.best_distance == 1)) {
        return compiler_fail_at(c, c->node, key, E_INVALID,
                                "is no mark of OpStream: did you mean '%.*s'?",
                                STR_ARG(nearest.best));
    }
    return is_ours ? compiler_fail_at(c, c->node, key, E_INVALID,
                                      "is no mark of OpStream; those of your own begin with 'x-' "
                                      "and not with 'x-ops-'")
                   : 0;
}

int compiler_check_strictly(struct compiler *c, struct str key, const struct value *operand)
{
    struct str nearest = STR("");
    if (str_starts_with(key, STR("x-"))) {
        return check_own(c, key, operand);
    }
    if (schema_knows_keyword(key, &nearest)) {
        return 0;
    }
    if (nearest.n > 0) {
        return compiler_fail_at(c, c->node, key, E_INVALID,
                                "is no keyword of JSON Schema: did you mean '%.*s'?",
                                STR_ARG(nearest));
    }
    return compiler_fail_at(c, c->node, key, E_INVALID,
                            "is no keyword of JSON Schema; marks of your own begin with 'x-'");
}
