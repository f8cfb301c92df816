/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place of the value is chosen, then the value is copied up to there. Recursion is bounded by
 * VALUE_MAX_DEPTH, which no value exceeds.
 */
#include "core/checker/config_mutant.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/checker/chance.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { LONG_TEXT_BYTES = 200 * 1000, MANY_ITEMS = 2000, DEEP_LISTS = 40, SHOWN_BYTES = 60 };

enum deed { REPLACE, LEAVE_OUT, ADD_MEMBER, RENAME_KEY, DEED_COUNT };

struct mutation {
    const struct value *target;
    enum deed deed;
    struct builder *b;
    struct chance *chance;
    struct strbuf path; /* of where the copy is */
    char *what;
    size_t what_size;
};

/* ---- What stands there instead ---- */

static const char *const naughty_texts[] = {
    "",
    " ",
    "0",
    "-1",
    "null",
    "undefined",
    "true",
    "NaN",
    "\t\r\n",
    "..",
    "../..",
    "no/such/folder/x",
    "%s%n%x",
    "{{ 1 + 1 }}",
    "${x}",
    "$(false)",
    "'; --",
    "\"",
    "\\",
    "<a>&amp;",
    "\xEF\xBB\xBFx",
    "e\xCC\x81\xCC\x81\xCC\x81",
    "\xE2\x80\xAEtxt",
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80",
    "https://",
    "https://[::1",
    "http://user:pw@host:99999/",
    "javascript:0",
    "2030-02-30T25:61:61Z",
    "1e309",
    "99999999999999999999",
};

static void tell(struct mutation *mutation, const char *what)
{
    (void)snprintf(mutation->what, mutation->what_size, "%.*s %s", STR_ARG(mutation->path), what);
}

static void put_long_text(struct mutation *mutation)
{
    struct strbuf text = STRBUF_INIT;
    char *to = strbuf_reserve(&text, LONG_TEXT_BYTES);
    if (to == NULL) {
        builder_fail_nomem(mutation->b);
    } else {
        memset(to, 'x', LONG_TEXT_BYTES);
        text.n = LONG_TEXT_BYTES;
    }
    builder_string(mutation->b, strbuf_str(&text));
    strbuf_finish(&text);
    tell(mutation, "= a text of 200,000 bytes");
}

static void put_number(struct mutation *mutation)
{
    static const int64_t numbers[] = {0,         -1,        1,          INT32_MAX, INT32_MIN,
                                      INT64_MAX, INT64_MIN, UINT32_MAX, 1000,      65536};
    char what[SHOWN_BYTES];
    int64_t n = numbers[chance_below(mutation->chance, sizeof numbers / sizeof numbers[0])];
    builder_int(mutation->b, n);
    (void)snprintf(what, sizeof what, "= %lld", (long long)n);
    tell(mutation, what);
}

static void put_near(struct mutation *mutation)
{
    char what[SHOWN_BYTES];
    int64_t n = value_int(mutation->target);
    int64_t step = chance_percent(mutation->chance, 50) ? 1 : -1;
    bool is_end = n == INT64_MAX || n == INT64_MIN;
    builder_int(mutation->b, is_end ? n : n + step);
    (void)snprintf(what, sizeof what, "= %lld", (long long)(is_end ? n : n + step));
    tell(mutation, what);
}

static void put_double(struct mutation *mutation)
{
    static const double numbers[] = {0.5, -0.0, 1e308, -1e308, 5e-324, 1e19};
    char what[SHOWN_BYTES];
    double n = numbers[chance_below(mutation->chance, sizeof numbers / sizeof numbers[0])];
    builder_double(mutation->b, n);
    (void)snprintf(what, sizeof what, "= %g", n);
    tell(mutation, what);
}

static void put_naughty_text(struct mutation *mutation)
{
    size_t i = chance_below(mutation->chance, sizeof naughty_texts / sizeof naughty_texts[0]);
    char what[SHOWN_BYTES];
    builder_string(mutation->b, str_from(naughty_texts[i]));
    (void)snprintf(what, sizeof what, "= '%.40s'", naughty_texts[i]);
    tell(mutation, what);
}

static void put_deep(struct mutation *mutation)
{
    unsigned room = VALUE_MAX_DEPTH - DEEP_LISTS;
    bool is_deep = mutation->path.n < room; /* each level takes two bytes of it or more */
    for (int i = 0; is_deep && i < DEEP_LISTS; i++) {
        builder_list_begin(mutation->b);
    }
    builder_null(mutation->b);
    for (int i = 0; is_deep && i < DEEP_LISTS; i++) {
        builder_list_end(mutation->b);
    }
    tell(mutation, is_deep ? "= lists in lists, 40 deep" : "= null");
}

static void put_many(struct mutation *mutation)
{
    builder_list_begin(mutation->b);
    for (int i = 0; i < MANY_ITEMS; i++) {
        builder_int(mutation->b, i);
    }
    builder_list_end(mutation->b);
    tell(mutation, "= a list of 2,000 numbers");
}

static void put_empty(struct mutation *mutation)
{
    if (chance_percent(mutation->chance, 50)) {
        builder_list_begin(mutation->b);
        builder_list_end(mutation->b);
        tell(mutation, "= []");
    } else {
        builder_map_begin(mutation->b);
        builder_map_end(mutation->b);
        tell(mutation, "= {}");
    }
}

static void put_other(struct mutation *mutation)
{
    bool is_int = value_is(mutation->target, VALUE_INT);
    switch (chance_below(mutation->chance, 10)) {
    case 0:
        builder_null(mutation->b);
        tell(mutation, "= null");
        break;
    case 1:
        builder_bool(mutation->b, true);
        tell(mutation, "= true");
        break;
    case 2:
        put_empty(mutation);
        break;
    case 3:
        put_double(mutation);
        break;
    case 4:
        put_long_text(mutation);
        break;
    case 5:
        put_deep(mutation);
        break;
    case 6:
        put_many(mutation);
        break;
    case 7:
        put_number(mutation);
        break;
    default:
        if (is_int) {
            put_near(mutation);
        } else {
            put_naughty_text(mutation);
        }
        break;
    }
}

/* ---- The copy ---- */

static void copy(struct mutation *mutation, const struct value *value);

static void copy_member(struct mutation *mutation, const struct value_member *member)
{
    struct str key = value_str(&member->key);
    size_t n = mutation->path.n;
    bool is_target = &member->value == mutation->target;
    value_pointer_append(&mutation->path, key);
    if (is_target && mutation->deed == LEAVE_OUT) {
        tell(mutation, "left out");
    } else if (is_target && mutation->deed == RENAME_KEY) {
        struct strbuf name = STRBUF_INIT;
        strbuf_append_str(&name, key);
        strbuf_append_char(&name, '_');
        builder_key(mutation->b, strbuf_str(&name));
        builder_copy(mutation->b, &member->value);
        strbuf_finish(&name);
        tell(mutation, "with another key");
    } else {
        builder_key(mutation->b, key);
        copy(mutation, &member->value);
    }
    mutation->path.n = n;
}

static void copy_list(struct mutation *mutation, const struct value *list)
{
    builder_list_begin(mutation->b);
    for (size_t i = 0; i < value_count(list); i++) {
        size_t n = mutation->path.n;
        strbuf_append_format(&mutation->path, "/%zu", i);
        if (value_at(list, i) == mutation->target && mutation->deed == LEAVE_OUT) {
            tell(mutation, "left out");
        } else {
            copy(mutation, value_at(list, i));
        }
        mutation->path.n = n;
    }
    builder_list_end(mutation->b);
}

static void copy(struct mutation *mutation, const struct value *value)
{
    bool is_target = value == mutation->target;
    if (is_target && (mutation->deed != ADD_MEMBER || !value_is(value, VALUE_MAP))) {
        put_other(mutation);
    } else if (value_is(value, VALUE_MAP)) {
        builder_map_begin(mutation->b);
        for (size_t i = 0; i < value_count(value); i++) {
            copy_member(mutation, value_member_at(value, i));
        }
        if (is_target) {
            builder_member_string(mutation->b, STR("opstream checker's own"), STR("x"));
            tell(mutation, "with a member that nobody knows");
        }
        builder_map_end(mutation->b);
    } else if (value_is(value, VALUE_LIST)) {
        copy_list(mutation, value);
    } else {
        builder_copy(mutation->b, value);
    }
}

/* ---- The place ---- */

/* Chooses one of all places, each as likely as the others: the n-th takes the place at 1 in n. */
static void choose(const struct value *value, struct mutation *mutation, size_t *seen)
{
    (*seen)++;
    if (chance_below(mutation->chance, *seen) == 0) {
        mutation->target = value;
    }
    for (size_t i = 0; value_is(value, VALUE_MAP) && i < value_count(value); i++) {
        choose(&value_member_at(value, i)->value, mutation, seen);
    }
    for (size_t i = 0; value_is(value, VALUE_LIST) && i < value_count(value); i++) {
        choose(value_at(value, i), mutation, seen);
    }
}

int config_mutate(const struct document *document, struct chance *chance,
                  struct document **out_document, char *out_what, size_t size, struct error *err)
{
    struct mutation mutation = {
        .deed = (enum deed)chance_below(chance, DEED_COUNT),
        .b = builder_create(),
        .chance = chance,
        .what = out_what,
        .what_size = size,
    };
    size_t seen = 0;
    choose(document_root(document), &mutation, &seen);
    if (mutation.target == document_root(document) && mutation.deed != ADD_MEMBER) {
        mutation.deed = chance_percent(chance, 20) ? REPLACE : ADD_MEMBER; /* all is too coarse */
    }
    copy(&mutation, document_root(document));
    strbuf_finish(&mutation.path);
    return builder_finish(mutation.b, out_document, err);
}
