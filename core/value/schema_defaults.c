/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling in defaults. Each value is looked at together with the subschemas that apply to it
 * whatever its content is: the one that its place gives, and through $ref and allOf those that it
 * includes. Conditional ones (anyOf, oneOf, if, ...) give no defaults. A missing member takes the
 * first default; inside a default its own subschema is filled in, but not once more below itself,
 * so that a recursive schema ends.
 *
 * A number like 3.0 becomes the whole number where the schema asks for one.
 *
 * What needs nothing is not copied: the new document holds the old one.
 */
#include "core/value/schema.h"

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/members.h"
#include "core/value/regex.h"
#include "core/value/schema_node.h"
#include "core/value/value.h"

enum { DEFAULTS_MAX_DEPTH = 64 }; /* inside each other; a document is no deeper */

static const double MOST_WHOLE = 9007199254740992.0; /* 2^53: beyond it doubles skip integers */

/* The subschemas of one value. */
struct applied {
    uint32_t *nodes; /* in the arena; none twice */
    size_t count;
    size_t cap;
};

/* The defaults that are being filled in around a value. */
struct inserted {
    const struct inserted *outer;
    const struct value *source; /* the default */
    unsigned count;             /* with the outer ones */
};

struct fill {
    const struct schema *schema;
    struct arena arena; /* of the lists of subschemas */
    struct builder *builder;
    size_t steps;
    int status;
    struct error *err;
};

/* A value, whose document it is, and what applies to it. */
struct fill_spot {
    const struct document *document;
    const struct value *value;
    struct applied applied;
    const struct inserted *inside;
};

static bool fill_step(struct fill *f)
{
    f->steps++;
    if (f->steps > SCHEMA_MAX_STEPS && f->status == 0) {
        f->status = error_set(f->err, E_LIMIT,
                              "filling in the defaults takes more than %d steps: make the schema "
                              "or the value simpler",
                              (int)SCHEMA_MAX_STEPS);
    }
    return f->status == 0;
}

static bool applied_has(struct fill *f, const struct applied *applied, uint32_t node)
{
    f->steps += applied->count / 16;
    for (size_t i = 0; i < applied->count; i++) {
        if (applied->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static void applied_push(struct fill *f, struct applied *applied, uint32_t node)
{
    if (node == SCHEMA_NO_NODE || !fill_step(f) || applied_has(f, applied, node)) {
        return;
    }
    if (applied->count == applied->cap) {
        size_t cap = applied->cap == 0 ? 8 : applied->cap * 2;
        uint32_t *grown = arena_calloc(&f->arena, cap, sizeof(*grown));
        if (grown == NULL) {
            f->status = error_nomem(f->err);
            return;
        }
        if (applied->count > 0) {
            memcpy(grown, applied->nodes, applied->count * sizeof(*grown));
        }
        applied->nodes = grown;
        applied->cap = cap;
    }
    applied->nodes[applied->count++] = node;
}

/* Adds `node` and what it includes by $ref and allOf: the list grows while it is walked. */
static void applied_add(struct fill *f, struct applied *applied, uint32_t node)
{
    size_t next = applied->count;
    applied_push(f, applied, node);
    for (; next < applied->count && f->status == 0; next++) {
        const struct schema_node *one = &f->schema->nodes[applied->nodes[next]];
        for (uint32_t i = 0; i < one->rule_count; i++) {
            const struct schema_rule *rule = schema_rule_at(f->schema, one, i);
            if (rule->kind != SCHEMA_RULE_REF && rule->kind != SCHEMA_RULE_ALL_OF) {
                continue;
            }
            for (uint32_t j = 0; j < schema_rule_in_place_count(rule); j++) {
                applied_push(f, applied, schema_rule_in_place_node(f->schema, rule, j));
            }
        }
    }
}

static const struct schema_rule *find_rule(const struct schema *schema, uint32_t index,
                                           enum schema_rule_kind kind)
{
    const struct schema_node *node = &schema->nodes[index];
    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct schema_rule *rule = schema_rule_at(schema, node, i);
        if (rule->kind == kind) {
            return rule;
        }
    }
    return NULL;
}

/* Adds what one `properties` rule says about the member `name`. */
static void add_for_name(struct fill *f, const struct schema_rule *rule, struct str name,
                         struct applied *out)
{
    bool is_named = false;
    const struct value_member *member = rule->operand != NULL ? members_find(rule->operand, name)
                                                              : NULL;
    if (member != NULL) {
        size_t i = (size_t)(member - value_member_at(rule->operand, 0));
        applied_add(f, out, schema_entry_at(f->schema, rule->entries, (uint32_t)i)->node);
        is_named = true;
    }
    for (uint32_t i = 0; i < rule->patterns.count && fill_step(f); i++) {
        const struct schema_entry *entry = schema_entry_at(f->schema, rule->patterns, i);
        bool matches = false;
        int status = regex_search(entry->regex, name, &matches, f->err);
        f->status = f->status != 0 ? f->status : status;
        if (status == 0 && matches) {
            applied_add(f, out, entry->node);
            is_named = true;
        }
    }
    if (!is_named && rule->node != SCHEMA_NO_NODE) {
        applied_add(f, out, rule->node);
    }
}

static struct applied applied_to_member(struct fill *f, const struct applied *applied,
                                        struct str name)
{
    struct applied out = {0};
    for (size_t i = 0; i < applied->count; i++) {
        const struct schema_rule *rule =
            find_rule(f->schema, applied->nodes[i], SCHEMA_RULE_PROPERTIES);
        if (rule != NULL) {
            add_for_name(f, rule, name, &out);
        }
    }
    return out;
}

static struct applied applied_to_item(struct fill *f, const struct applied *applied, size_t item)
{
    struct applied out = {0};
    for (size_t i = 0; i < applied->count; i++) {
        const struct schema_rule *rule = find_rule(f->schema, applied->nodes[i], SCHEMA_RULE_ITEMS);
        if (rule == NULL) {
            continue;
        }
        bool is_fixed = item < rule->entries.count;
        applied_add(f, &out,
                    is_fixed ? schema_entry_at(f->schema, rule->entries, (uint32_t)item)->node
                             : rule->node);
    }
    return out;
}

static const struct value *find_default(const struct schema *schema, const struct applied *applied)
{
    for (size_t i = 0; i < applied->count; i++) {
        const struct value *found = schema->nodes[applied->nodes[i]].default_value;
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* A property that the value lacks and the schema has a default for. */
struct missing {
    struct str name;
    const struct value *source;
    struct applied applied;
};

/* Where the search for missing properties stands: subschema and entry. */
struct missing_cursor {
    size_t node;
    uint32_t entry;
};

/* True when an earlier subschema has the property, too: then it was found there. */
static bool is_named_before(const struct fill *f, const struct applied *applied, size_t before,
                            struct str name)
{
    for (size_t i = 0; i < before; i++) {
        const struct schema_rule *rule =
            find_rule(f->schema, applied->nodes[i], SCHEMA_RULE_PROPERTIES);
        if (rule != NULL && value_get(rule->operand, name) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_inside(const struct inserted *inside, const struct value *source)
{
    for (; inside != NULL; inside = inside->outer) {
        if (inside->source == source) {
            return true;
        }
    }
    return false;
}

static bool next_missing(struct fill *f, const struct fill_spot *spot,
                         struct missing_cursor *cursor, struct missing *out)
{
    const struct applied *applied = &spot->applied;
    for (; cursor->node < applied->count; cursor->node++, cursor->entry = 0) {
        const struct schema_rule *rule =
            find_rule(f->schema, applied->nodes[cursor->node], SCHEMA_RULE_PROPERTIES);
        while (rule != NULL && cursor->entry < rule->entries.count && fill_step(f)) {
            struct str name = schema_entry_at(f->schema, rule->entries, cursor->entry++)->key;
            if (value_get(spot->value, name) != NULL ||
                is_named_before(f, applied, cursor->node, name)) {
                continue;
            }
            out->name = name;
            out->applied = applied_to_member(f, applied, name);
            out->source = find_default(f->schema, &out->applied);
            if (out->source != NULL && !is_inside(spot->inside, out->source)) {
                return f->status == 0;
            }
        }
    }
    return false;
}

/* 3.0 where a whole number is asked for: JSON Schema takes it for one, so it becomes one. */
static bool is_whole(const struct fill *f, const struct fill_spot *spot, int64_t *out_integer)
{
    double number = value_is(spot->value, VALUE_DOUBLE) ? value_double(spot->value) : 0.5;
    if (!(number >= -MOST_WHOLE && number <= MOST_WHOLE) || number != (double)(int64_t)number) {
        return false;
    }
    *out_integer = (int64_t)number;
    for (size_t i = 0; i < spot->applied.count; i++) {
        const struct schema_rule *rule =
            find_rule(f->schema, spot->applied.nodes[i], SCHEMA_RULE_TYPE);
        if (rule != NULL && (rule->types & SCHEMA_INTEGER) != 0 &&
            (rule->types & SCHEMA_NUMBER) == 0) {
            return true;
        }
    }
    return false;
}

/* Bounded by the depth of documents, which the builder and the reader keep. */
static bool needs_fill(struct fill *f, const struct fill_spot *spot)
{
    if (!fill_step(f) || spot->applied.count == 0) {
        return false;
    }
    bool is_map = value_is(spot->value, VALUE_MAP);
    struct missing_cursor cursor = {0};
    struct missing missing;
    int64_t integer = 0;
    if ((is_map && next_missing(f, spot, &cursor, &missing)) || is_whole(f, spot, &integer)) {
        return true;
    }
    size_t count = is_map || value_is(spot->value, VALUE_LIST) ? value_count(spot->value) : 0;
    for (size_t i = 0; i < count && f->status == 0; i++) {
        struct fill_spot below = {.document = spot->document, .inside = spot->inside};
        if (is_map) {
            const struct value_member *member = value_member_at(spot->value, i);
            below.value = &member->value;
            below.applied = applied_to_member(f, &spot->applied, value_str(&member->key));
        } else {
            below.value = value_at(spot->value, i);
            below.applied = applied_to_item(f, &spot->applied, i);
        }
        if (needs_fill(f, &below)) {
            return true;
        }
    }
    return false;
}

static void fill_value(struct fill *f, const struct fill_spot *spot);

static void fill_map(struct fill *f, const struct fill_spot *spot)
{
    builder_map_begin(f->builder);
    for (size_t i = 0; i < value_count(spot->value) && f->status == 0; i++) {
        const struct value_member *member = value_member_at(spot->value, i);
        struct fill_spot below = {spot->document, &member->value,
                                  applied_to_member(f, &spot->applied, value_str(&member->key)),
                                  spot->inside};
        builder_key(f->builder, value_str(&member->key));
        fill_value(f, &below);
    }
    struct missing_cursor cursor = {0};
    struct missing missing;
    while (next_missing(f, spot, &cursor, &missing)) {
        unsigned outer = spot->inside != NULL ? spot->inside->count : 0;
        struct inserted inside = {spot->inside, missing.source, outer + 1};
        struct fill_spot below = {f->schema->document, missing.source, missing.applied, &inside};
        builder_key(f->builder, missing.name);
        fill_value(f, &below);
    }
    builder_map_end(f->builder);
}

static void fill_list(struct fill *f, const struct fill_spot *spot)
{
    builder_list_begin(f->builder);
    for (size_t i = 0; i < value_count(spot->value) && f->status == 0; i++) {
        struct fill_spot below = {spot->document, value_at(spot->value, i),
                                  applied_to_item(f, &spot->applied, i), spot->inside};
        fill_value(f, &below);
    }
    builder_list_end(f->builder);
}

/* Adds the value with its defaults: exactly one value in every case, as the builder asks. */
static void fill_value(struct fill *f, const struct fill_spot *spot)
{
    bool is_too_deep = spot->inside != NULL && spot->inside->count > DEFAULTS_MAX_DEPTH;
    int64_t integer = 0;
    if (is_too_deep && f->status == 0) {
        f->status = error_set(f->err, E_LIMIT, "more than %d defaults are inside each other",
                              (int)DEFAULTS_MAX_DEPTH);
    }
    if (!needs_fill(f, spot)) {
        builder_embed(f->builder, spot->document, spot->value);
    } else if (is_whole(f, spot, &integer)) {
        builder_int(f->builder, integer);
    } else if (value_is(spot->value, VALUE_MAP)) {
        fill_map(f, spot);
    } else {
        fill_list(f, spot);
    }
}

int schema_fill_defaults(const struct schema *schema, const struct document *document,
                         struct document **out_document, struct error *err)
{
    struct fill f = {.schema = schema, .err = err};
    struct fill_spot spot = {.document = document, .value = document_root(document)};
    applied_add(&f, &spot.applied, 0);
    bool is_needed = needs_fill(&f, &spot);
    if (is_needed) {
        f.builder = builder_create();
        fill_value(&f, &spot);
    }
    arena_finish(&f.arena);
    if (f.status != 0) {
        builder_destroy(f.builder);
        return f.status;
    }
    if (!is_needed) {
        *out_document = document_ref(document);
        return 0;
    }
    return builder_finish(f.builder, out_document, err);
}
