/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the members of a map. */
#include "core/value/schema_check.h"

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/value/members.h"
#include "core/value/regex.h"
#include "core/value/value.h"

enum {
    SHOWN_NAMES = 12,      /* of the allowed names in a message */
    CANDIDATE_NODES = 200, /* subschemas that are searched for names to suggest */
    CANDIDATE_DEPTH = 16,  /* of them inside each other */
};

static struct schema_place place_of_member(const struct check_spot *map,
                                           const struct value_member *member)
{
    return (struct schema_place){
        .parent = map->place, .key = &member->key, .depth = report_depth(map->place) + 1};
}

static enum verdict check_member(struct check *c, uint32_t node, const struct check_spot *map,
                                 const struct value_member *member)
{
    struct schema_place place = place_of_member(map, member);
    struct check_spot spot = {&member->value, &place, NULL};
    return check_node(c, node, &spot);
}

/* The key that was probably meant to be `name`, or the empty slice. */
static struct str nearest_key(const struct value *map, struct str name)
{
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; i < map->count; i++) {
        suggest_offer(&nearest, value_str(&map->as.members[i].key));
    }
    return nearest.best;
}

static enum verdict fail_missing(struct check *c, const struct check_spot *spot,
                                 const struct value *missing)
{
    struct str name = value_str(missing);
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "must have the key '");
        report_append_text(message, name);
        struct str found = nearest_key(spot->value, name);
        strbuf_append_text(message, found.n > 0 ? "', found '" : "'");
        if (found.n > 0) {
            report_append_text(message, found);
            strbuf_append_text(message, "'");
        }
    }
    return check_fail_missing(c, spot->place, missing);
}

enum verdict check_required(struct check *c, const struct schema_rule *rule,
                            const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < value_count(rule->operand) && !check_is_over(c, verdict); i++) {
        const struct value *name = value_at(rule->operand, i);
        if (check_step(c, 1) && value_get(spot->value, value_str(name)) == NULL) {
            verdict = fail_missing(c, spot, name);
        }
    }
    return verdict;
}

static enum verdict fail_dependent(struct check *c, const struct check_spot *spot, struct str name,
                                   struct str because)
{
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "must have the key '");
        report_append_text(message, name);
        strbuf_append_text(message, "' because it has '");
        report_append_text(message, because);
        strbuf_append_text(message, "'");
    }
    return check_fail(c, spot->place, "dependentRequired");
}

enum verdict check_dependent_required(struct check *c, const struct schema_rule *rule,
                                      const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    enum verdict verdict = VERDICT_OK;
    for (uint32_t i = 0; i < rule->entries.count; i++) {
        const struct schema_entry *entry = schema_entry_at(c->schema, rule->entries, i);
        if (!check_step(c, 1) || value_get(spot->value, entry->key) == NULL) {
            continue;
        }
        for (size_t j = 0; j < value_count(entry->names) && !check_is_over(c, verdict); j++) {
            struct str name = value_str(value_at(entry->names, j));
            if (check_step(c, 1) && value_get(spot->value, name) == NULL) {
                verdict = fail_dependent(c, spot, name, entry->key);
            }
        }
    }
    return verdict;
}

/* The name is the value that is checked; violations stand at the member. */
enum verdict check_property_names(struct check *c, const struct schema_rule *rule,
                                  const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    enum verdict verdict = VERDICT_OK;
    bool was_name = c->is_name;
    c->is_name = true;
    for (size_t i = 0; i < value_count(spot->value) && !check_is_over(c, verdict); i++) {
        const struct value_member *member = value_member_at(spot->value, i);
        struct schema_place place = place_of_member(spot, member);
        struct check_spot name = {&member->key, &place, NULL};
        verdict = verdict_worst(verdict, check_node(c, rule->node, &name));
    }
    c->is_name = was_name;
    return verdict;
}

static void append_allowed_names(struct check *c, const struct schema_rule *rule,
                                 struct strbuf *message)
{
    size_t count = rule->entries.count;
    size_t shown = count > SHOWN_NAMES ? SHOWN_NAMES - 1 : count;
    for (uint32_t i = 0; i < shown; i++) {
        strbuf_append_text(message, i == 0 ? "; allowed: '" : ", '");
        report_append_text(message, schema_entry_at(c->schema, rule->entries, i)->key);
        strbuf_append_text(message, "'");
    }
    if (shown < count) {
        strbuf_append_format(message, " and %zu others", count - shown);
    }
    if (rule->patterns.count > 0) {
        strbuf_append_text(message, count > 0 ? ", and names that match '"
                                              : "; allowed: names that match '");
        report_append_text(message, schema_entry_at(c->schema, rule->patterns, 0)->key);
        strbuf_append_text(message, "'");
    }
}

static enum verdict fail_additional(struct check *c, const struct schema_rule *rule,
                                    const struct check_spot *map, const struct value_member *member)
{
    struct schema_place place = place_of_member(map, member);
    struct strbuf *message = check_message(c);
    if (message == NULL) {
        return VERDICT_BAD;
    }
    struct suggest nearest = suggest_start(value_str(&member->key));
    for (uint32_t i = 0; i < rule->entries.count; i++) {
        struct str name = schema_entry_at(c->schema, rule->entries, i)->key;
        if (value_get(map->value, name) == NULL) {
            suggest_offer(&nearest, name);
        }
    }
    strbuf_append_text(message, "unknown key '");
    report_append_text(message, value_str(&member->key));
    strbuf_append_text(message, "'");
    append_allowed_names(c, rule, message);
    return check_fail_name(c, &place, "additionalProperties", nearest.best);
}

static enum verdict fail_forbidden(struct check *c, const struct check_spot *map,
                                   const struct value_member *member, const char *rule)
{
    struct schema_place place = place_of_member(map, member);
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "the key '");
        report_append_text(message, value_str(&member->key));
        strbuf_append_text(message, "' is not allowed");
    }
    return check_fail_name(c, &place, rule, STR(""));
}

/* A subschema of properties or patternProperties; `false` forbids the name. */
static enum verdict check_named(struct check *c, const struct schema_entry *entry,
                                const struct check_spot *map, const struct value_member *member)
{
    if (c->schema->nodes[entry->node].is_false) {
        return fail_forbidden(c, map, member,
                              entry->regex != NULL ? "patternProperties" : "properties");
    }
    return check_member(c, entry->node, map, member);
}

static const struct schema_entry *find_entry(struct check *c, const struct schema_rule *rule,
                                             struct str name)
{
    if (rule->operand == NULL || rule->entries.count == 0) {
        return NULL;
    }
    const struct value_member *member = members_find(rule->operand, name);
    if (member == NULL) {
        return NULL;
    }
    /* Entries stand in the order of the members of `properties`. */
    size_t i = (size_t)(member - value_member_at(rule->operand, 0));
    return schema_entry_at(c->schema, rule->entries, (uint32_t)i);
}

static enum verdict check_patterns(struct check *c, const struct schema_rule *rule,
                                   const struct check_spot *map, const struct value_member *member,
                                   bool *is_named)
{
    enum verdict verdict = VERDICT_OK;
    struct str name = value_str(&member->key);
    for (uint32_t i = 0; i < rule->patterns.count && check_step(c, 1 + name.n / 64); i++) {
        const struct schema_entry *entry = schema_entry_at(c->schema, rule->patterns, i);
        bool matches = false;
        int status = regex_search(entry->regex, name, &matches, c->err);
        if (status != 0) {
            return check_abort(c, status);
        }
        if (matches) {
            *is_named = true;
            verdict = verdict_worst(verdict, check_named(c, entry, map, member));
        }
    }
    return verdict;
}

static enum verdict check_one_property(struct check *c, const struct schema_rule *rule,
                                       const struct check_spot *map, size_t i)
{
    const struct value_member *member = value_member_at(map->value, i);
    const struct schema_entry *entry = find_entry(c, rule, value_str(&member->key));
    bool is_named = entry != NULL;
    enum verdict verdict = is_named ? check_named(c, entry, map, member) : VERDICT_OK;
    if (rule->patterns.count > 0 && !check_is_over(c, verdict)) {
        verdict = verdict_worst(verdict, check_patterns(c, rule, map, member, &is_named));
    }
    if (!is_named && rule->node != SCHEMA_NO_NODE && !check_is_over(c, verdict)) {
        is_named = true;
        bool is_closed = c->schema->nodes[rule->node].is_false;
        verdict = verdict_worst(verdict, is_closed ? fail_additional(c, rule, map, member)
                                                   : check_member(c, rule->node, map, member));
    }
    if (is_named) {
        check_marks_set(map->marks, i);
    }
    return verdict;
}

enum verdict check_properties(struct check *c, const struct schema_rule *rule,
                              const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < value_count(spot->value) && !check_is_over(c, verdict); i++) {
        if (check_step(c, 1)) {
            verdict = verdict_worst(verdict, check_one_property(c, rule, spot, i));
        }
    }
    return verdict;
}

/* Offers the property names of `node` and of the subschemas that look at the same value. */
static void offer_names(const struct schema *schema, uint32_t index, unsigned depth, unsigned *left,
                        struct suggest *nearest)
{
    if (*left == 0 || depth > CANDIDATE_DEPTH || index == SCHEMA_NO_NODE) {
        return;
    }
    (*left)--;
    const struct schema_node *node = &schema->nodes[index];
    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct schema_rule *rule = schema_rule_at(schema, node, i);
        bool has_names = rule->kind == SCHEMA_RULE_PROPERTIES;
        for (uint32_t j = 0; has_names && j < rule->entries.count; j++) {
            suggest_offer(nearest, schema_entry_at(schema, rule->entries, j)->key);
        }
        for (uint32_t j = 0; j < schema_rule_in_place_count(rule); j++) {
            offer_names(schema, schema_rule_in_place_node(schema, rule, j), depth + 1, left,
                        nearest);
        }
    }
}

static enum verdict fail_unevaluated(struct check *c, uint32_t node, const struct check_spot *map,
                                     const struct value_member *member)
{
    struct schema_place place = place_of_member(map, member);
    struct strbuf *message = check_message(c);
    if (message == NULL) {
        return VERDICT_BAD;
    }
    struct suggest nearest = suggest_start(value_str(&member->key));
    unsigned left = CANDIDATE_NODES;
    offer_names(c->schema, node, 0, &left, &nearest);
    strbuf_append_text(message, "unknown key '");
    report_append_text(message, value_str(&member->key));
    strbuf_append_text(message, "'");
    bool is_itself = str_equal(nearest.best, value_str(&member->key));
    return check_fail_name(c, &place, "unevaluatedProperties", is_itself ? STR("") : nearest.best);
}

enum verdict check_unevaluated_properties(struct check *c, uint32_t node,
                                          const struct schema_rule *rule,
                                          const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    bool is_closed = c->schema->nodes[rule->node].is_false;
    enum verdict verdict = VERDICT_OK;
    for (size_t i = 0; i < value_count(spot->value) && !check_is_over(c, verdict); i++) {
        if (check_marks_has(spot->marks, i)) {
            continue;
        }
        const struct value_member *member = value_member_at(spot->value, i);
        check_marks_set(spot->marks, i);
        verdict = verdict_worst(verdict, is_closed ? fail_unevaluated(c, node, spot, member)
                                                   : check_member(c, rule->node, spot, member));
    }
    return verdict;
}
