/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion is bounded by DEPTH_MOST, not by the schema. */
#include "core/checker/config_maker.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/checker/chance.h"
#include "core/checker/facets.h"
#include "core/checker/sample_text.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum {
    DEPTH_MOST = 12, /* of the value; deeper there is only what is required, as null */
    TRIES = 200,
    MEMBERS_MOST = 256,
    ITEMS_MOST = 64,
    BOUND_TRIES = 40,
    BOUND_ROOM = 250 * 1000, /* bytes of a value at its bounds, about */
    PATTERN_BYTES = 2500,    /* what a text with a pattern takes of it, for the time */
    PLACE_BYTES = 16,        /* what any place takes of it */
    LIST_MOST = 4096,        /* items of a list at its bound */
};

struct maker {
    const struct value *root; /* what $ref begins at */
    struct builder *b;
    struct chance *chance;
    unsigned percent; /* of what is optional */
    /* At bounds. */
    enum config_size size;
    unsigned bound_percent; /* of places that are at their bound */
    bool is_at_bound;       /* the place that is being made */
    bool is_unique;         /* it is an item of a list whose items differ */
    size_t room;
    size_t serial;
};

/* ---- Bounds ---- */

static bool is_at_least(const struct maker *maker)
{
    return maker->is_at_bound && maker->size == CONFIG_LEAST;
}

static bool is_at_most(const struct maker *maker)
{
    return maker->is_at_bound && maker->size != CONFIG_LEAST;
}

static void take_room(struct maker *maker, size_t n)
{
    maker->room -= n < maker->room ? n : maker->room;
}

/* ---- Scalars ---- */

static void make_integer(struct maker *maker, const struct facets *facets)
{
    const struct value *least = facets_find(facets, "minimum");
    const struct value *most = facets_find(facets, "maximum");
    int64_t low = value_is(least, VALUE_INT) ? value_int(least) : 0;
    int64_t high = value_is(most, VALUE_INT) ? value_int(most) : low + 100;
    const struct value *above = facets_find(facets, "exclusiveMinimum");
    const struct value *below = facets_find(facets, "exclusiveMaximum");
    if (value_is(above, VALUE_INT) && (least == NULL || value_int(above) >= low)) {
        low = value_int(above) + 1;
        high = most != NULL ? high : low + 100;
    }
    if (value_is(below, VALUE_INT) && (most == NULL || value_int(below) <= high)) {
        high = value_int(below) - 1;
        low = least == NULL && above == NULL && high < low ? high - 100 : low;
    }
    if (high < low) {
        high = low;
    }
    if (is_at_least(maker) || (is_at_most(maker) && most != NULL)) {
        builder_int(maker->b, is_at_least(maker) ? low : high);
        return;
    }
    switch (chance_below(maker->chance, 4)) {
    case 0:
        builder_int(maker->b, low);
        break;
    case 1:
        builder_int(maker->b, high);
        break;
    default: /* small ones: a million is no size to try things with */
        builder_int(maker->b,
                    low + (int64_t)chance_below(maker->chance,
                                                high - low < 10 ? (size_t)(high - low) + 1 : 10));
        break;
    }
}

/* Between exclusive bounds is what lies between, not they. */
static void make_number(struct maker *maker, const struct facets *facets)
{
    const struct value *least = facets_find(facets, "minimum");
    const struct value *most = facets_find(facets, "maximum");
    const struct value *above = facets_find(facets, "exclusiveMinimum");
    const struct value *below = facets_find(facets, "exclusiveMaximum");
    bool is_exclusive = above != NULL || below != NULL;
    least = least != NULL ? least : above;
    most = most != NULL ? most : below;
    double high = most != NULL ? value_number(most) : 0;
    double low = least != NULL ? value_number(least) : most != NULL && high <= 0 ? high - 1 : 0;
    high = most != NULL ? high : low + 1;
    static const double parts[] = {0, 0.25, 0.5, 1};
    double part = parts[chance_below(maker->chance, sizeof parts / sizeof parts[0])];
    part = is_at_least(maker) ? 0 : is_at_most(maker) ? 1 : part;
    if (is_exclusive) {
        part = 0.25 + part / 2;
    }
    builder_double(maker->b, low + (high - low) * part);
}

/* ---- Texts ---- */

/* Of exactly `letters`. */
static bool fill_text(struct maker *maker, const struct facets *facets, size_t letters,
                      struct strbuf *text)
{
    char serial[24] = "";
    if (facets_find(facets, "pattern") != NULL) {
        take_room(maker, PATTERN_BYTES);
    } else {
        (void)snprintf(serial, sizeof serial, "%zu", maker->serial++);
    }
    struct sample_text_form form = {
        .letters = letters,
        .start = maker->is_unique && strlen(serial) <= letters ? serial : "",
        .is_wide = maker->size == CONFIG_WIDE,
    };
    return sample_text_fill(facets, &form, maker->chance, text);
}

/* The shortest or the longest text that may be. False: the place has no such bound. */
static bool make_bound_text(struct maker *maker, const struct facets *facets)
{
    const size_t none = SIZE_MAX;
    size_t letters = is_at_least(maker) ? facets_size(facets, "minLength", 0)
                                        : facets_size(facets, "maxLength", none);
    size_t width = maker->size == CONFIG_WIDE ? 4 : 1;
    if (letters == none || facets_find(facets, "format") != NULL) {
        return false;
    }
    if (letters > maker->room / width) {
        letters = maker->room / width;
    }
    struct strbuf text = STRBUF_INIT;
    bool is_made = letters >= facets_size(facets, "minLength", 0) &&
                   fill_text(maker, facets, letters, &text);
    if (is_made) {
        take_room(maker, text.n);
        builder_string(maker->b, strbuf_str(&text));
    }
    if (strbuf_status(&text) != 0) {
        builder_fail_nomem(maker->b);
    }
    strbuf_finish(&text);
    return is_made;
}

static void make_text(struct maker *maker, const struct facets *facets)
{
    struct strbuf text = STRBUF_INIT;
    sample_text_pick(facets, maker->chance, &text);
    if (strbuf_status(&text) != 0) {
        builder_fail_nomem(maker->b);
    }
    builder_string(maker->b, strbuf_str(&text));
    strbuf_finish(&text);
}

/* ---- Containers ---- */

static void make(struct maker *maker, const struct value *schema, unsigned depth);

struct members {
    struct str names[MEMBERS_MOST];
    size_t count;
};

static bool has_name(const struct members *members, struct str name)
{
    for (size_t i = 0; i < members->count; i++) {
        if (str_equal(members->names[i], name)) {
            return true;
        }
    }
    return false;
}

static void add_name(struct members *members, struct str name)
{
    if (members->count < MEMBERS_MOST && !has_name(members, name)) {
        members->names[members->count++] = name;
    }
}

/* Of those that it names, by chance; `least` in any case, as far as there are so many. */
static void choose_optional(struct maker *maker, const struct value *properties, size_t least,
                            struct members *members)
{
    size_t count = value_is(properties, VALUE_MAP) ? value_count(properties) : 0;
    size_t start = chance_below(maker->chance, count);
    for (size_t i = 0; i < count; i++) {
        if (chance_percent(maker->chance, maker->percent)) {
            add_name(members, value_str(&value_member_at(properties, i)->key));
        }
    }
    for (size_t i = 0; i < count && members->count < least; i++) {
        add_name(members, value_str(&value_member_at(properties, (start + i) % count)->key));
    }
}

static void choose_members(struct maker *maker, const struct facets *facets,
                           struct members *members)
{
    size_t least = facets_size(facets, "minProperties", 0);
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *required = value_get(facets->maps[i], STR("required"));
        for (size_t k = 0; value_is(required, VALUE_LIST) && k < value_count(required); k++) {
            if (value_is(value_at(required, k), VALUE_STRING)) {
                add_name(members, value_str(value_at(required, k)));
            }
        }
    }
    for (size_t i = 0; i < facets->count; i++) {
        choose_optional(maker, value_get(facets->maps[i], STR("properties")), least, members);
    }
}

static void make_free_members(struct maker *maker, const struct facets *facets,
                              struct members *members, unsigned depth)
{
    const struct value *others = facets_find(facets, "additionalProperties");
    bool is_open = others == NULL || value_is(others, VALUE_MAP) ||
                   (value_is(others, VALUE_BOOL) && value_bool(others));
    bool is_free = facets_find(facets, "properties") == NULL && is_open;
    size_t wanted = facets_size(facets, "minProperties", 0);
    if (is_free && wanted == 0 && chance_percent(maker->chance, maker->percent)) {
        wanted = 1 + chance_below(maker->chance, 3);
    }
    if (is_open && is_at_most(maker)) {
        wanted = facets_size(facets, "maxProperties", wanted);
    } else if (is_at_least(maker)) {
        wanted = facets_size(facets, "minProperties", 0);
    }
    static const char *const names[] = {"a", "b", "7", "key", "A_1", "x-b", "thing"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && members->count < wanted; i++) {
        if (!has_name(members, str_from(names[i]))) {
            add_name(members, str_from(names[i]));
            builder_key(maker->b, str_from(names[i]));
            make(maker, others, depth + 1);
        }
    }
    for (size_t i = members->count; i < wanted && i < MEMBERS_MOST; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "key_%zu", i);
        builder_key(maker->b, str_from(name));
        make(maker, others, depth + 1);
    }
}

static void make_map(struct maker *maker, const struct facets *facets, unsigned depth)
{
    struct members members = {.count = 0};
    bool is_at_bound = maker->is_at_bound;
    choose_members(maker, facets, &members);
    builder_map_begin(maker->b);
    for (size_t i = 0; i < members.count; i++) {
        builder_key(maker->b, members.names[i]);
        make(maker, facets_property(facets, members.names[i]), depth + 1);
    }
    maker->is_at_bound = is_at_bound; /* not that of its members */
    make_free_members(maker, facets, &members, depth);
    builder_map_end(maker->b);
}

static void make_list(struct maker *maker, const struct facets *facets, unsigned depth)
{
    const struct value *items = facets_find(facets, "items");
    const struct value *first = facets_find(facets, "prefixItems");
    size_t least = facets_size(facets, "minItems", 0);
    size_t most = facets_size(facets, "maxItems", ITEMS_MOST);
    size_t count = least + (maker->percent > 0 ? chance_below(maker->chance, 3) : 0);
    count = count > most ? most : count;
    count = count > ITEMS_MOST ? ITEMS_MOST : count;
    bool is_at_most_items = is_at_most(maker);
    if (is_at_least(maker)) {
        count = least;
    } else if (is_at_most_items && facets_find(facets, "maxItems") != NULL) {
        size_t room = maker->room / PLACE_BYTES;
        count = room < LIST_MOST ? room : LIST_MOST;
        count = count > most ? most : count < least ? least : count;
    }
    bool was_unique = maker->is_unique;
    const struct value *unique = facets_find(facets, "uniqueItems");
    maker->is_unique = value_is(unique, VALUE_BOOL) && value_bool(unique);
    builder_list_begin(maker->b);
    for (size_t i = 0; i < count; i++) {
        bool is_first = value_is(first, VALUE_LIST) && i < value_count(first);
        if (maker->room == 0 && i >= least && is_at_most_items) {
            break;
        }
        make(maker, is_first ? value_at(first, i) : items, depth + 1);
    }
    builder_list_end(maker->b);
    maker->is_unique = was_unique;
}

/* ---- Any value ---- */

/* The type that the schema names, or that its keywords speak of. */
static struct str choose_type(struct maker *maker, const struct facets *facets)
{
    static const struct {
        const char *key;
        const char *type;
    } hints[] = {
        {"properties", "object"}, {"required", "object"},  {"additionalProperties", "object"},
        {"items", "array"},       {"minItems", "array"},   {"pattern", "string"},
        {"minLength", "string"},  {"maxLength", "string"}, {"format", "string"},
        {"minimum", "integer"},   {"maximum", "integer"},
    };
    const struct value *type = facets_find(facets, "type");
    if (value_is(type, VALUE_STRING)) {
        return value_str(type);
    }
    if (value_is(type, VALUE_LIST) && value_count(type) > 0) {
        const struct value *one = value_at(type, chance_below(maker->chance, value_count(type)));
        return value_is(one, VALUE_STRING) ? value_str(one) : STR("string");
    }
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (facets_find(facets, hints[i].key) != NULL) {
            return str_from(hints[i].type);
        }
    }
    static const char *const any[] = {"string", "integer", "boolean", "null", "object", "array"};
    return str_from(any[chance_below(maker->chance, sizeof any / sizeof any[0])]);
}

static void make_of_type(struct maker *maker, const struct facets *facets, struct str type,
                         unsigned depth)
{
    if (str_equal(type, STR("object"))) {
        make_map(maker, facets, depth);
    } else if (str_equal(type, STR("array"))) {
        make_list(maker, facets, depth);
    } else if (str_equal(type, STR("string"))) {
        make_text(maker, facets);
    } else if (str_equal(type, STR("integer"))) {
        make_integer(maker, facets);
    } else if (str_equal(type, STR("number"))) {
        make_number(maker, facets);
    } else if (str_equal(type, STR("boolean"))) {
        builder_bool(maker->b, chance_percent(maker->chance, 50));
    } else {
        builder_null(maker->b);
    }
}

/* A value that the schema itself gives: fixed, one of some, or an example. NULL: none. */
static const struct value *find_given(struct maker *maker, const struct facets *facets)
{
    const struct value *fixed = facets_find(facets, "const");
    const struct value *some = facets_find(facets, "enum");
    const struct value *examples = facets_find(facets, "examples");
    if (fixed != NULL) {
        return fixed;
    }
    if (value_is(some, VALUE_LIST) && value_count(some) > 0) {
        return value_at(some, chance_below(maker->chance, value_count(some)));
    }
    if (value_is(examples, VALUE_LIST) && value_count(examples) > 0 &&
        chance_percent(maker->chance, 60)) {
        return value_at(examples, chance_below(maker->chance, value_count(examples)));
    }
    return chance_percent(maker->chance, 20) ? facets_find(facets, "default") : NULL;
}

/* False: what stands there is fixed, or has no bounds. */
static bool make_at_bound(struct maker *maker, const struct facets *facets, unsigned depth)
{
    bool is_fixed = facets_find(facets, "const") != NULL || facets_find(facets, "enum") != NULL;
    if (is_fixed || depth >= DEPTH_MOST) {
        return false;
    }
    struct str type = choose_type(maker, facets);
    if (str_equal(type, STR("string"))) {
        return make_bound_text(maker, facets);
    }
    make_of_type(maker, facets, type, depth);
    return true;
}

static void make(struct maker *maker, const struct value *schema, unsigned depth)
{
    struct facets facets;
    facets_collect(&facets, maker->root, schema, maker->chance);
    const struct value *given = find_given(maker, &facets);
    maker->is_at_bound = maker->size >= CONFIG_LEAST &&
                         chance_percent(maker->chance, maker->bound_percent);
    take_room(maker, PLACE_BYTES);
    if (maker->is_at_bound && make_at_bound(maker, &facets, depth)) {
        return;
    }
    if (given != NULL) {
        builder_copy(maker->b, given);
    } else if (depth >= DEPTH_MOST) {
        builder_null(maker->b);
    } else {
        make_of_type(maker, &facets, choose_type(maker, &facets), depth);
    }
}

static int try_once(const struct schema *schema, struct maker *maker,
                    struct document **out_document, struct error *err)
{
    struct document *document = NULL;
    maker->root = schema_source(schema);
    maker->b = builder_create();
    maker->room = BOUND_ROOM;
    make(maker, maker->root, 0);
    int status = builder_finish(maker->b, &document, err);
    if (status == 0) {
        status = schema_validate(schema, document_root(document), NULL, err);
    }
    if (status == 0) {
        *out_document = document;
        return 0;
    }
    document_unref(document);
    return status;
}

int config_maker_make(const struct schema *schema, struct chance *chance, enum config_size size,
                      struct document **out_document, struct error *err)
{
    static const unsigned percents[] = {0, 50, 100, 100, 100, 100};
    struct maker maker = {
        .chance = chance,
        .percent = percents[size],
        .size = size,
        .bound_percent = 100,
    };
    int tries = size >= CONFIG_LEAST ? BOUND_TRIES : TRIES;
    int status = 0;
    for (int i = 0; i < tries; i++) {
        status = try_once(schema, &maker, out_document, err);
        if (status == 0 || status == E_NOMEM) {
            return status;
        }
        bool is_less = i % 8 == 7; /* less is more often right */
        maker.percent = is_less ? maker.percent / 2 : maker.percent;
        maker.bound_percent = i % 4 == 3 ? maker.bound_percent / 2 : maker.bound_percent;
    }
    if (err != NULL) {
        err->code = E_NOT_FOUND;
    }
    return E_NOT_FOUND;
}
