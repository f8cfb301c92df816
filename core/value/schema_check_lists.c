/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the items of a list. */
#include "core/value/schema_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/value/value.h"

enum { UNIQUE_PAIRWISE = 16 }; /* up to so many items, comparing all pairs is cheapest */

static struct schema_place place_of_item(const struct check_spot *list, size_t i)
{
    return (struct schema_place){
        .parent = list->place, .index = i, .depth = report_depth(list->place) + 1};
}

static enum verdict check_item(struct check *c, uint32_t node, const struct check_spot *list,
                               size_t i)
{
    struct schema_place place = place_of_item(list, i);
    struct check_spot item = {value_at(list->value, i), &place, NULL};
    return check_node(c, node, &item);
}

static enum verdict fail_too_many(struct check *c, const struct check_spot *list, size_t allowed)
{
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_format(message, "must have at most %zu item%s, found %zu", allowed,
                             allowed == 1 ? "" : "s", value_count(list->value));
    }
    return check_fail(c, list->place, "items");
}

enum verdict check_items(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_LIST)) {
        return VERDICT_OK;
    }
    size_t count = value_count(spot->value);
    size_t fixed = rule->entries.count;
    bool is_closed = rule->node != SCHEMA_NO_NODE && c->schema->nodes[rule->node].is_false;
    enum verdict verdict = is_closed && count > fixed ? fail_too_many(c, spot, fixed) : VERDICT_OK;
    for (size_t i = 0; i < count && !check_is_over(c, verdict); i++) {
        bool is_fixed = i < fixed;
        if (!is_fixed && rule->node == SCHEMA_NO_NODE) {
            break;
        }
        check_marks_set(spot->marks, i);
        if (is_fixed) {
            uint32_t node = schema_entry_at(c->schema, rule->entries, (uint32_t)i)->node;
            verdict = verdict_worst(verdict, check_item(c, node, spot, i));
        } else if (!is_closed) {
            verdict = verdict_worst(verdict, check_item(c, rule->node, spot, i));
        }
    }
    return verdict;
}

static enum verdict fail_contains(struct check *c, const struct schema_rule *rule,
                                  const struct check_spot *spot, size_t found)
{
    bool is_few = found < rule->limit;
    uint64_t limit = is_few ? rule->limit : rule->max;
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_format(message,
                             "must have at %s %" PRIu64 " item%s of the kind that 'contains' "
                             "asks for, found %zu",
                             is_few ? "least" : "most", limit, limit == 1 ? "" : "s", found);
    }
    bool is_default = is_few && rule->limit == 1;
    return check_fail(c, spot->place,
                      is_default ? "contains"
                      : is_few   ? "minContains"
                                 : "maxContains");
}

enum verdict check_contains(struct check *c, const struct schema_rule *rule,
                            const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_LIST)) {
        return VERDICT_OK;
    }
    size_t sure = 0;
    size_t possible = 0;
    for (size_t i = 0; i < value_count(spot->value) && c->status == 0; i++) {
        struct schema_place place = place_of_item(spot, i);
        struct check_spot item = {value_at(spot->value, i), &place, NULL};
        enum verdict one = check_quietly(c, rule->node, &item);
        sure += one == VERDICT_OK ? 1 : 0;
        possible += one != VERDICT_BAD ? 1 : 0;
        if (one != VERDICT_BAD) {
            check_marks_set(spot->marks, i);
        }
    }
    if (possible < rule->limit || sure > rule->max) {
        return fail_contains(c, rule, spot, possible < rule->limit ? possible : sure);
    }
    bool is_sure = sure >= rule->limit && possible <= rule->max;
    bool is_marking = spot->marks != NULL && possible > sure;
    return is_sure && !is_marking ? VERDICT_OK : VERDICT_MAYBE;
}

static enum verdict fail_unique(struct check *c, const struct check_spot *spot, size_t a, size_t b)
{
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_format(
            message, "must not hold the same item twice: items %zu and %zu are equal", a, b);
    }
    return check_fail(c, spot->place, "uniqueItems");
}

static enum verdict check_unique_pairs(struct check *c, const struct check_spot *spot)
{
    const struct value *list = spot->value;
    size_t count = value_count(list);
    bool is_skipped[UNIQUE_PAIRWISE] = {false};
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < count && check_step(c, i + 1); i++) {
        is_skipped[i] = check_holds_unknown(c, value_at(list, i));
        verdict = is_skipped[i] ? VERDICT_MAYBE : verdict;
        for (size_t j = 0; j < i && !is_skipped[i]; j++) {
            if (!is_skipped[j] && value_equal(value_at(list, j), value_at(list, i))) {
                return fail_unique(c, spot, j, i);
            }
        }
    }
    return verdict;
}

/* Adds item `i` under its canonical form; the place of an equal one comes out as `*out_other`. */
static int note_item(struct arena *arena, struct strmap *seen, const struct value *item, size_t i,
                     size_t *out_other)
{
    struct strbuf form = STRBUF_INIT;
    value_write_canonical(item, &form);
    struct str key = {0};
    if (strbuf_status(&form) == 0) {
        key = arena_dup_str(arena, strbuf_str(&form));
    }
    strbuf_finish(&form);
    if (key.p == NULL) {
        return E_NOMEM;
    }
    int status = strmap_add(seen, key, (void *)(uintptr_t)(i + 1));
    if (status == E_EXISTS) {
        *out_other = (size_t)(uintptr_t)strmap_get(seen, key) - 1;
    }
    return status;
}

static enum verdict check_unique_many(struct check *c, const struct check_spot *spot)
{
    struct arena arena = ARENA_INIT;
    struct strmap seen = STRMAP_INIT;
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < value_count(spot->value) && check_step(c, 1); i++) {
        const struct value *item = value_at(spot->value, i);
        if (check_holds_unknown(c, item)) {
            verdict = VERDICT_MAYBE;
            continue;
        }
        size_t other = 0;
        int status = note_item(&arena, &seen, item, i, &other);
        if (status != 0) {
            verdict = status == E_EXISTS ? fail_unique(c, spot, other, i) : check_abort(c, status);
            break;
        }
    }
    strmap_finish(&seen);
    arena_finish(&arena);
    return verdict;
}

enum verdict check_unique_items(struct check *c, const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_LIST)) {
        return VERDICT_OK;
    }
    return value_count(spot->value) <= UNIQUE_PAIRWISE ? check_unique_pairs(c, spot)
                                                       : check_unique_many(c, spot);
}

static enum verdict fail_unevaluated(struct check *c, const struct check_spot *list, size_t i)
{
    struct schema_place place = place_of_item(list, i);
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "no item is allowed here");
    }
    return check_fail(c, &place, "unevaluatedItems");
}

enum verdict check_unevaluated_items(struct check *c, const struct schema_rule *rule,
                                     const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_LIST)) {
        return VERDICT_OK;
    }
    bool is_closed = c->schema->nodes[rule->node].is_false;
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < value_count(spot->value) && !check_is_over(c, verdict); i++) {
        if (check_marks_has(spot->marks, i)) {
            continue;
        }
        check_marks_set(spot->marks, i);
        verdict = verdict_worst(verdict, is_closed ? fail_unevaluated(c, spot, i)
                                                   : check_item(c, rule->node, spot, i));
    }
    return verdict;
}
