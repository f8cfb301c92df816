/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a value is ruled by several schemas at once: that which stands there, what it refers
 * to, all of its allOf, one branch of its oneOf and anyOf. They are collected as facets, and a
 * keyword is looked for in all of them.
 *
 * Recursion is bounded by DEPTH_MOST, not by the schema.
 */
#include "core/checker/config_maker.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/checker/chance.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum {
    DEPTH_MOST = 12, /* of the value; deeper there is only what is required, as null */
    FACETS_MOST = 64,
    REFERENCES_MOST = 32, /* one after the other */
    TRIES = 200,
    MEMBERS_MOST = 256,
    ITEMS_MOST = 64,
    TEXT_MOST = 4096, /* longer ones are made by mutation, and at bounds */
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

struct facets {
    const struct value *maps[FACETS_MOST];
    size_t count;
};

/* ---- Facets ---- */

static const struct value *follow(const struct maker *maker, const struct value *schema)
{
    for (int i = 0; i < REFERENCES_MOST; i++) {
        const struct value *ref = value_get(schema, STR("$ref"));
        if (!value_is(ref, VALUE_STRING) || value_str(ref).n == 0 || value_str(ref).p[0] != '#') {
            break;
        }
        struct str text = value_str(ref);
        schema = value_pointer(maker->root, str_make(text.p + 1, text.n - 1));
    }
    return schema;
}

static void add_facet(const struct maker *maker, struct facets *facets, const struct value *schema)
{
    if (facets->count < FACETS_MOST && value_is(schema, VALUE_MAP)) {
        facets->maps[facets->count++] = schema;
        const struct value *referred = follow(maker, schema);
        if (referred != schema && facets->count < FACETS_MOST && value_is(referred, VALUE_MAP)) {
            facets->maps[facets->count++] = referred;
        }
    }
}

static void add_branch(const struct maker *maker, struct facets *facets, const struct value *list)
{
    if (value_is(list, VALUE_LIST) && value_count(list) > 0) {
        size_t which = chance_below(maker->chance, value_count(list));
        add_facet(maker, facets, value_at(list, which));
    }
}

/* The list grows while it is walked: what is added may itself refer to more. */
static void collect(const struct maker *maker, const struct value *schema, struct facets *facets)
{
    add_facet(maker, facets, schema);
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *map = facets->maps[i];
        const struct value *all = value_get(map, STR("allOf"));
        for (size_t k = 0; value_is(all, VALUE_LIST) && k < value_count(all); k++) {
            add_facet(maker, facets, value_at(all, k));
        }
        add_branch(maker, facets, value_get(map, STR("oneOf")));
        add_branch(maker, facets, value_get(map, STR("anyOf")));
        if (value_get(map, STR("if")) != NULL) {
            const char *which = chance_percent(maker->chance, 50) ? "then" : "else";
            if (strcmp(which, "then") == 0) {
                add_facet(maker, facets, value_get(map, STR("if")));
            }
            add_facet(maker, facets, value_get(map, str_from(which)));
        }
    }
}

static const struct value *find(const struct facets *facets, const char *key)
{
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *found = value_get(facets->maps[i], str_from(key));
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static size_t find_size(const struct facets *facets, const char *key, size_t otherwise)
{
    const struct value *found = find(facets, key);
    return value_is(found, VALUE_INT) && value_int(found) >= 0 ? (size_t)value_int(found)
                                                               : otherwise;
}

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
    const struct value *least = find(facets, "minimum");
    const struct value *most = find(facets, "maximum");
    int64_t low = value_is(least, VALUE_INT) ? value_int(least) : 0;
    int64_t high = value_is(most, VALUE_INT) ? value_int(most) : low + 100;
    if (find(facets, "exclusiveMinimum") != NULL) {
        low += (int64_t)value_number(find(facets, "exclusiveMinimum")) + 1;
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

static void make_number(struct maker *maker, const struct facets *facets)
{
    double low = find(facets, "minimum") != NULL ? value_number(find(facets, "minimum")) : 0;
    double high = find(facets, "maximum") != NULL ? value_number(find(facets, "maximum")) : low + 1;
    static const double parts[] = {0, 0.25, 0.5, 1};
    double part = parts[chance_below(maker->chance, sizeof parts / sizeof parts[0])];
    part = is_at_least(maker) ? 0 : is_at_most(maker) ? 1 : part;
    builder_double(maker->b, low + (high - low) * part);
}

static const char *text_of_format(struct maker *maker, struct str format)
{
    enum { TEXTS = 4 };
    static const struct {
        const char *format;
        const char *texts[TEXTS];
    } rows[] = {
        {"date-time",
         {"2030-01-02T03:04:05Z", "1999-12-31T23:59:59.999-11:30", "2030-01-02T03:04:05+01:00",
          "1970-01-01T00:00:00Z"}},
        {"date", {"2030-01-02", "2028-02-29", "1970-01-01", "9999-12-31"}},
        {"time", {"03:04:05Z", "23:59:59.5+01:00", "00:00:00Z", "12:00:00-11:30"}},
        {"duration", {"PT30S", "P1D", "P1Y2M3DT4H5M6S", "PT0S"}},
        {"ops-duration", {"30s", "1ms", "2h", "1s"}},
        {"uri",
         {"https://api.example.com/v1/things?page=1", "http://localhost:8080",
          "https://example.com/a%20b/?q=%C3%A9#part", "https://[2001:db8::1]:8443/x"}},
        {"uri-reference", {"/v1/things", "https://example.com/", "?a=b", "../x"}},
        {"email", {"jo@example.com", "a.b+c@example.org", "x@y.example", "jo@example.com"}},
        {"hostname", {"api.example.com", "localhost", "a-1.example", "x"}},
        {"ipv4", {"192.0.2.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"}},
        {"ipv6", {"2001:db8::1", "::1", "::", "::ffff:192.0.2.1"}},
        {"uuid",
         {"0b9c2c1e-8b1f-4a53-9d4e-0d2f6f1f6a10", "00000000-0000-0000-0000-000000000000",
          "0B9C2C1E-8B1F-4A53-9D4E-0D2F6F1F6A10", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
        {"regex", {"^a+$", "", ".*", "[0-9]{2}"}},
        {"json-pointer", {"", "/a/0", "/a~1b", "/"}},
        {"ops-exit-code", {"7", "1", "255", "42"}},
        {"cel", {"1 + 1", "true", "'x'", "[1, 2]"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_equal_text(format, rows[i].format)) {
            return rows[i].texts[chance_below(maker->chance, TEXTS)];
        }
    }
    return NULL;
}

/* What patterns in schemas mostly ask for. */
static const char *const common_texts[] = {
    "a",
    "thing",
    "Thing-1",
    "thing_1",
    "octocat/hello-world",
    "https://api.example.com",
    "https://api.example.com/v1/things",
    "wss://example.com/",
    "smtp://mail.example.com",
    "mailto:jo@example.com",
    "jo@example.com",
    "Jo Doe <jo@example.com>",
    "example.com",
    "example.com:443",
    "192.0.2.1",
    "1",
    "42",
    "-1",
    "1.5",
    "1730000000.000100",
    "1.2.3",
    "v1.2.3",
    "2030-01-02",
    "2030-01-02T03:04:05Z",
    "12:30",
    "22:00-08:00",
    "30s",
    "10m",
    "24h",
    "PT30S",
    "5/minute",
    "main",
    "refs/heads/main",
    "folder/file.txt",
    "/a/0",
    "#general",
    "@octocat",
    "+15550100",
    "ABC",
    "C012AB3CD",
    "C",
    "en",
    "en-US",
    "EUR",
    "0b9c2c1e-8b1f-4a53-9d4e-0d2f6f1f6a10",
    "0123456789abcdef0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "#00ff00",
    "YWJj",
    "text/plain",
    "GET",
    "* * * * *",
    "a.b",
    "a.b.c",
    "A_B",
    "a b",
    "{}",
    "[]",
    "",
};

/* As many letters behind it as it takes. */
static void append_padding(struct strbuf *text, size_t least)
{
    while (text->n < least && text->n < TEXT_MOST) {
        strbuf_append_char(text, 'x');
    }
}

/* The text as `schema` (with a pattern) wants it. */
static bool is_allowed(const struct document *document, const struct schema *schema)
{
    return schema_validate(schema, document_root(document), NULL, NULL) == 0;
}

/* A text that keeps the pattern, among those that are known; NULL: none does. */
static const char *find_matching(struct maker *maker, const struct schema *schema)
{
    size_t count = sizeof common_texts / sizeof common_texts[0];
    size_t start = chance_below(maker->chance, count);
    for (size_t i = 0; i < count; i++) {
        const char *text = common_texts[(start + i) % count];
        struct builder *b = builder_create();
        struct document *document = NULL;
        builder_string(b, str_from(text));
        if (builder_finish(b, &document, NULL) != 0) {
            return NULL;
        }
        bool is_found = is_allowed(document, schema);
        document_unref(document);
        if (is_found) {
            return text;
        }
    }
    return NULL;
}

/* The schema {"pattern": P, "minLength": .., "maxLength": ..} of the place alone. */
static int compile_text_schema(const struct facets *facets, struct schema **out_schema)
{
    static const char *const keys[] = {"pattern", "minLength", "maxLength"};
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct value *value = find(facets, keys[i]);
        if (value != NULL) {
            builder_key(b, str_from(keys[i]));
            builder_copy(b, value);
        }
    }
    builder_map_end(b);
    int status = builder_finish(b, &document, NULL);
    if (status == 0) {
        status = schema_compile(document, out_schema, NULL);
    }
    document_unref(document);
    return status;
}

static const char *find_by_pattern(struct maker *maker, const struct facets *facets)
{
    struct schema *schema = NULL;
    if (compile_text_schema(facets, &schema) != 0) {
        return NULL;
    }
    const char *text = find_matching(maker, schema);
    schema_destroy(schema);
    return text;
}

static bool keeps_pattern(const struct schema *schema, struct str text)
{
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_string(b, text);
    bool is_right = builder_finish(b, &document, NULL) == 0 && is_allowed(document, schema);
    document_unref(document);
    return is_right;
}

/* `start`, and behind it so often `unit` that there are `letters` in all. */
static void fill(struct strbuf *text, const char *start, const char *unit, size_t letters)
{
    strbuf_clear(text);
    strbuf_append_text(text, start);
    for (size_t i = strlen(start); i < letters; i++) {
        strbuf_append_text(text, unit);
    }
}

/* A text of exactly `letters`. False: none is known that keeps the pattern. */
static bool fill_as_allowed(struct maker *maker, const struct facets *facets, size_t letters,
                            struct strbuf *text)
{
    static const char *const narrow[] = {"x", "1", "A", "0"};
    static const char *const wide[] = {"\xF0\x9F\x98\x80", "\xC3\xA9"};
    bool is_wide = maker->size == CONFIG_WIDE;
    const char *const *units = is_wide ? wide : narrow;
    size_t count = is_wide ? sizeof wide / sizeof wide[0] : sizeof narrow / sizeof narrow[0];
    char serial[24] = "";
    if (find(facets, "pattern") == NULL) {
        (void)snprintf(serial, sizeof serial, "%zu", maker->serial++);
        fill(text, maker->is_unique && strlen(serial) <= letters ? serial : "", units[0], letters);
        return true;
    }
    struct schema *schema = NULL;
    bool is_found = false;
    take_room(maker, PATTERN_BYTES);
    if (compile_text_schema(facets, &schema) != 0) {
        return false;
    }
    const char *known = find_matching(maker, schema);
    for (size_t i = 0; !is_found && i < count * 2; i++) {
        fill(text, i >= count && known != NULL ? known : "", units[i % count], letters);
        is_found = keeps_pattern(schema, strbuf_str(text));
    }
    schema_destroy(schema);
    return is_found;
}

/* The shortest or the longest text that may be. False: the place has no such bound. */
static bool make_bound_text(struct maker *maker, const struct facets *facets)
{
    const size_t none = SIZE_MAX;
    size_t letters = is_at_least(maker) ? find_size(facets, "minLength", 0)
                                        : find_size(facets, "maxLength", none);
    size_t width = maker->size == CONFIG_WIDE ? 4 : 1;
    if (letters == none || find(facets, "format") != NULL) {
        return false;
    }
    if (letters > maker->room / width) {
        letters = maker->room / width;
    }
    struct strbuf text = STRBUF_INIT;
    bool is_made = letters >= find_size(facets, "minLength", 0) &&
                   fill_as_allowed(maker, facets, letters, &text);
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
    static const char *const plain[] = {
        "thing",
        "a longer text, with a comma",
        "1",
        "größer \xE2\x86\x92 \xF0\x9F\x98\x80",
        "a/b.c",
        "line one\nline two",
        "{\"a\": [1, 2]}",
    };
    const struct value *format = find(facets, "format");
    const char *text = find(facets, "pattern") != NULL ? find_by_pattern(maker, facets) : NULL;
    if (text == NULL && value_is(format, VALUE_STRING)) {
        text = text_of_format(maker, value_str(format));
    }
    if (text == NULL) {
        text = plain[chance_below(maker->chance, sizeof plain / sizeof plain[0])];
    }

    struct strbuf padded = STRBUF_INIT;
    size_t most = find_size(facets, "maxLength", TEXT_MOST);
    strbuf_append_text(&padded, strlen(text) <= most ? text : "x");
    append_padding(&padded, find_size(facets, "minLength", 0));
    if (strbuf_status(&padded) != 0) {
        builder_fail_nomem(maker->b);
    }
    builder_string(maker->b, strbuf_str(&padded));
    strbuf_finish(&padded);
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
    size_t least = find_size(facets, "minProperties", 0);
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

static const struct value *find_property(const struct facets *facets, struct str name)
{
    const struct value *found = NULL;
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *property =
            value_get(value_get(facets->maps[i], STR("properties")), name);
        /* In a branch mostly a fixed value stands, which decides. */
        if (property != NULL && (found == NULL || value_get(property, STR("const")) != NULL ||
                                 value_get(property, STR("enum")) != NULL)) {
            found = property;
        }
    }
    return found != NULL ? found : find(facets, "additionalProperties");
}

static void make_free_members(struct maker *maker, const struct facets *facets,
                              struct members *members, unsigned depth)
{
    const struct value *others = find(facets, "additionalProperties");
    bool is_open = others == NULL || value_is(others, VALUE_MAP) ||
                   (value_is(others, VALUE_BOOL) && value_bool(others));
    bool is_free = find(facets, "properties") == NULL && is_open;
    size_t wanted = find_size(facets, "minProperties", 0);
    if (is_free && wanted == 0 && chance_percent(maker->chance, maker->percent)) {
        wanted = 1 + chance_below(maker->chance, 3);
    }
    if (is_open && is_at_most(maker)) {
        wanted = find_size(facets, "maxProperties", wanted);
    } else if (is_at_least(maker)) {
        wanted = find_size(facets, "minProperties", 0);
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
        make(maker, find_property(facets, members.names[i]), depth + 1);
    }
    maker->is_at_bound = is_at_bound; /* not that of its members */
    make_free_members(maker, facets, &members, depth);
    builder_map_end(maker->b);
}

static void make_list(struct maker *maker, const struct facets *facets, unsigned depth)
{
    const struct value *items = find(facets, "items");
    const struct value *first = find(facets, "prefixItems");
    size_t least = find_size(facets, "minItems", 0);
    size_t most = find_size(facets, "maxItems", ITEMS_MOST);
    size_t count = least + (maker->percent > 0 ? chance_below(maker->chance, 3) : 0);
    count = count > most ? most : count;
    count = count > ITEMS_MOST ? ITEMS_MOST : count;
    bool is_at_most_items = is_at_most(maker);
    if (is_at_least(maker)) {
        count = least;
    } else if (is_at_most_items && find(facets, "maxItems") != NULL) {
        size_t room = maker->room / PLACE_BYTES;
        count = room < LIST_MOST ? room : LIST_MOST;
        count = count > most ? most : count < least ? least : count;
    }
    bool was_unique = maker->is_unique;
    const struct value *unique = find(facets, "uniqueItems");
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
    const struct value *type = find(facets, "type");
    if (value_is(type, VALUE_STRING)) {
        return value_str(type);
    }
    if (value_is(type, VALUE_LIST) && value_count(type) > 0) {
        const struct value *one = value_at(type, chance_below(maker->chance, value_count(type)));
        return value_is(one, VALUE_STRING) ? value_str(one) : STR("string");
    }
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (find(facets, hints[i].key) != NULL) {
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
    const struct value *fixed = find(facets, "const");
    const struct value *some = find(facets, "enum");
    const struct value *examples = find(facets, "examples");
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
    return chance_percent(maker->chance, 20) ? find(facets, "default") : NULL;
}

/* False: what stands there is fixed, or has no bounds. */
static bool make_at_bound(struct maker *maker, const struct facets *facets, unsigned depth)
{
    bool is_fixed = find(facets, "const") != NULL || find(facets, "enum") != NULL;
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
    struct facets facets = {.count = 0};
    collect(maker, schema, &facets);
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

int config_make(const struct schema *schema, struct chance *chance, enum config_size size,
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
