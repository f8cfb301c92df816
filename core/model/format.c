/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/base/suggest.h"
#include "core/model/format_values.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/yaml_error.h"

const struct format_key *format_find(const struct format_key *table, struct str key)
{
    for (; table->name.n > 0; table++) {
        if (str_equal(key, table->name)) {
            return table;
        }
    }
    return NULL;
}

/* Keys of nodes that tools and a pipeline of one node do without. */
static bool hint_nodes(const struct report *report, const struct format_key *table, struct str key)
{
    if ((table != format_tool_keys && table != format_single_keys) ||
        format_find(format_node_keys, key) == NULL) {
        return false;
    }
    report_hint(report, table == format_tool_keys
                            ? "tools have none, but nodes do: write 'nodes' in place of 'tools'"
                            : "a pipeline of one node has none: write 'nodes' for several");
    return true;
}

/* These say what becomes of the result of one node. */
bool format_is_of_a_node(struct str key)
{
    return str_equal_text(key, "on_open") || str_equal_text(key, "fallback") ||
           str_equal_text(key, "cache");
}

/* Policies have their places; what is of one service has no value that would do for all. */
static bool hint_policies(const struct report *report, const struct format_key *table,
                          struct str key)
{
    const struct format_key *policy = format_find(format_policy_keys, key);
    bool is_policy = policy != NULL &&
                     (policy->kind == FORMAT_POLICY || policy->kind == FORMAT_LIMIT);
    if (table == format_action_keys && is_policy) {
        report_hint(report, "put it beside 'action'");
    } else if (table == format_pipeline_keys && is_policy &&
               format_find(format_resilience_keys, key) != NULL) {
        report_hint(report, "for all nodes: put it into 'resilience'");
    } else if ((table == format_pipeline_keys && is_policy) ||
               (table == format_resilience_keys && policy != NULL)) {
        report_hint(report, "services differ in it: put it into integrations.PLUGIN, or at a node");
    } else if (table == format_resilience_keys && format_is_of_a_node(key)) {
        report_hint(report, "nodes differ in it: put it at a node");
    } else {
        return false;
    }
    return true;
}

static void report_unknown(const struct report *report, const struct tree *map, uint32_t index,
                           const struct format_key *table, const char *what)
{
    const struct tree_member *member = &map->as.members[index];
    const struct tree_member *before = index > 0 ? member - 1 : NULL;
    struct str key = member->key.text;
    report_error(report, member->key.place, "%s has the unknown key '%.*s'", what, STR_ARG(key));
    bool is_of_node = table == format_node_keys || table == format_single_keys ||
                      table == format_tool_keys;
    struct str nearest = report_wants_nearest(report) ? format_nearest(table, key) : STR("");
    if (hint_nodes(report, table, key) || hint_policies(report, table, key)) {
        return;
    }
    if (nearest.n > 0) {
        report_hint(report, "did you mean '%.*s'?", STR_ARG(nearest));
    } else if (before != NULL && tree_is(&before->value, TREE_NULL) &&
               format_find(table, before->key.text) != NULL) {
        report_hint(report, "indent it deeper to put it below '%.*s'", STR_ARG(before->key.text));
    } else if (!yaml_error_hint_quotes(report, &member->key) && is_of_node) {
        report_hint(report, "what a type takes goes into 'config'");
    }
}

static bool is_choice(struct str text, const char *const *choices)
{
    for (; *choices != NULL; choices++) {
        if (str_equal_text(text, *choices)) {
            return true;
        }
    }
    return false;
}

static bool read_count(const struct tree *value, uint32_t *out)
{
    if (!tree_is(value, TREE_INT) || value->as.integer < 1 || value->as.integer > INT32_MAX) {
        return false;
    }
    *out = (uint32_t)value->as.integer;
    return true;
}

static bool read_duration(const struct tree *value, int64_t *out_ms)
{
    return tree_is(value, TREE_TEXT) && quantity_parse_duration(value->text, out_ms, NULL) == 0;
}

static bool read_size(const struct tree *value, uint64_t *out_bytes)
{
    int64_t bytes = 0;
    if (!tree_is(value, TREE_TEXT) && !tree_is(value, TREE_INT)) {
        return false;
    }
    if (quantity_parse_size(value->text, &bytes, NULL) != 0 || bytes < 1) {
        return false;
    }
    *out_bytes = (uint64_t)bytes;
    return true;
}

static bool is_text(const struct tree *value)
{
    return tree_is_scalar(value) && value->kind != TREE_NULL;
}

static bool is_list_of_texts(const struct tree *value)
{
    if (!tree_is(value, TREE_LIST)) {
        return false;
    }
    for (uint32_t i = 0; i < value->count; i++) {
        if (!is_text(&value->as.items[i])) {
            return false;
        }
    }
    return true;
}

static bool has_kind(const struct tree *value, const struct format_key *key)
{
    uint32_t count = 0;
    int64_t ms = 0;
    uint64_t bytes = 0;
    double number = 0;
    struct quantity_rate rate;
    switch (key->kind) {
    case FORMAT_ANY:
        return true;
    case FORMAT_TEXT:
        return is_text(value);
    case FORMAT_BOOL:
        return tree_is(value, TREE_BOOL);
    case FORMAT_COUNT:
        return read_count(value, &count);
    case FORMAT_DURATION:
        return read_duration(value, &ms);
    case FORMAT_TIMEOUT:
        return read_duration(value, &ms) && ms > 0;
    case FORMAT_SIZE:
        return read_size(value, &bytes);
    case FORMAT_WHOLE:
        return format_values_whole(value, &count);
    case FORMAT_FACTOR:
        return format_values_factor(value, &number);
    case FORMAT_SHARE:
        return format_values_share(value, &number);
    case FORMAT_RATE:
        return format_values_rate(value, &number);
    case FORMAT_POLICY:
        return tree_is(value, TREE_MAP) || format_values_is_off(value);
    case FORMAT_BOUND:
        return format_values_is_off(value) || (read_duration(value, &ms) && ms > 0);
    case FORMAT_SECONDS:
        return format_values_seconds(value, &ms);
    case FORMAT_MONEY:
        return format_values_money(value, &ms);
    case FORMAT_CALL_RATE:
        return format_values_call_rate(value, &rate);
    case FORMAT_LIMIT:
        return tree_is(value, TREE_MAP) || format_values_is_off(value) ||
               format_values_call_rate(value, &rate);
    case FORMAT_MAP:
        return tree_is(value, TREE_MAP) || tree_is(value, TREE_NULL);
    case FORMAT_LIST:
        return tree_is(value, TREE_LIST);
    case FORMAT_TEXTS:
        return is_list_of_texts(value);
    case FORMAT_CHOICE:
        return is_text(value) && is_choice(value->text, key->choices);
    case FORMAT_WAY:
        return tree_is(value, TREE_MAP) || (is_text(value) && is_choice(value->text, key->choices));
    }
    unreachable_state("format kind", (int)key->kind);
}

static const char *kind_text(enum format_kind kind)
{
    switch (kind) {
    case FORMAT_ANY:
        return "anything";
    case FORMAT_TEXT:
        return "text";
    case FORMAT_BOOL:
        return "true or false";
    case FORMAT_COUNT:
        return "a whole number from 1 on";
    case FORMAT_DURATION:
    case FORMAT_TIMEOUT:
        return "a duration like 250ms, 30s, 5m, 2h or 7d";
    case FORMAT_SIZE:
        return "a size in bytes, or like 64KiB or 10MB";
    case FORMAT_WHOLE:
    case FORMAT_FACTOR:
    case FORMAT_SHARE:
    case FORMAT_RATE:
    case FORMAT_POLICY:
    case FORMAT_BOUND:
    case FORMAT_SECONDS:
    case FORMAT_MONEY:
    case FORMAT_CALL_RATE:
    case FORMAT_LIMIT:
        return format_values_text(kind);
    case FORMAT_MAP:
        return "a map";
    case FORMAT_LIST:
        return "a list";
    case FORMAT_TEXTS:
        return "a list of texts";
    case FORMAT_CHOICE:
    case FORMAT_WAY:
        return "one of";
    }
    unreachable_state("format kind", (int)kind);
}

/* "a list", or the scalar itself: "'30'". */
static void found_text(const struct tree *value, char *out, size_t size)
{
    bool is_shown = tree_is_scalar(value) && value->text.n <= 80 &&
                    (value->text.n > 0 || value->kind == TREE_TEXT);
    int length = is_shown ? snprintf(out, size, "'%.*s'", STR_ARG(value->text))
                          : snprintf(out, size, "%s", tree_kind_name(value));
    CHECK(length >= 0 && (size_t)length < size);
}

static void report_choices(const struct report *report, const struct tree *value,
                           const struct format_key *key, const char *what, const char *found)
{
    struct strbuf choices = STRBUF_INIT;
    struct suggest nearest = suggest_start(tree_is_scalar(value) ? value->text : STR(""));
    for (const char *const *choice = key->choices; *choice != NULL; choice++) {
        strbuf_append_format(&choices, "%s'%s'", choices.n > 0 ? ", " : "", *choice);
        suggest_offer(&nearest, str_from(*choice));
        if (nearest.best.n == 0 && str_starts_with(str_from(*choice), nearest.wrong) &&
            nearest.wrong.n >= 3) {
            nearest.best = str_from(*choice); /* fail: failed */
        }
    }
    report_error(report, value->place, "'%s' of %s must be one of %.*s, not %s", key->name.p, what,
                 STR_ARG(strbuf_str(&choices)), found);
    report_nearest(report, &nearest);
    strbuf_finish(&choices);
}

/* Which item of a list is no text. */
static void report_item(const struct report *report, const struct tree *list, const char *name,
                        const char *what)
{
    uint32_t i = 0;
    while (is_text(&list->as.items[i])) {
        i++;
    }
    report_error(report, list->as.items[i].place,
                 "'%s' of %s must be a list of texts, and its item %u is %s", name, what, i + 1,
                 tree_kind_name(&list->as.items[i]));
}

/* "64 MB", "1gb", "2gib", "5M": the unit as it is written here. */
static void hint_size(const struct report *report, struct str text)
{
    char joined[32];
    size_t length = 0;
    uint64_t bytes = 0;
    int64_t parsed = 0;
    if (quantity_parse_size(text, &parsed, NULL) == E_LIMIT) {
        report_hint(report, "it is too large for a size");
        return;
    }
    for (size_t i = 0; i < text.n && length + 1 < sizeof(joined); i++) {
        bool is_small = text.p[i] >= 'a' && text.p[i] <= 'z';
        if (text.p[i] != ' ') {
            joined[length++] = is_small ? (char)(text.p[i] - 'a' + 'A') : text.p[i];
        }
    }
    if (length > 2 && joined[length - 1] == 'B' && joined[length - 2] == 'I') {
        joined[length - 2] = 'i';
    } else if (length > 1 && memchr("KMGT", joined[length - 1], 4) != NULL) {
        joined[length++] = 'B';
    }
    const struct tree value = {.kind = TREE_TEXT, .text = str_make(joined, length)};
    if (read_size(&value, &bytes)) {
        report_hint(report, "write '%.*s'", (int)length, joined);
    }
}

/* A number with its unit, if that is what the key takes. */
static void hint_written(const struct report *report, enum format_kind kind, struct str digits,
                         const char *unit, const char *what_for)
{
    char text[64];
    int64_t ms = 0;
    int n = snprintf(text, sizeof(text), "%.*s%s", STR_ARG(digits), unit);
    int status = n > 0 && (size_t)n < sizeof(text)
                     ? quantity_parse_duration(str_from(text), &ms, NULL)
                     : E_LIMIT;
    if (status == 0 && ms == 0 && kind == FORMAT_TIMEOUT) {
        report_hint(report, "it must be more than 0");
    } else if (status == 0) {
        report_hint(report, "write '%s'%s", text, what_for);
    } else if (status == E_LIMIT) {
        report_hint(report, "it is too large for a duration");
    }
}

/* "30 s", "5 minutes": the unit in the one letter that it has here. */
static void hint_duration(const struct report *report, enum format_kind kind, struct str text)
{
    static const struct {
        const char *word;
        const char *unit;
    } units[] = {{"mo", NULL}, {"ms", "ms"}, {"milli", "ms"}, {"s", "s"},
                 {"m", "m"},   {"h", "h"},   {"d", "d"}};
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9') {
        digits++;
    }
    struct str word = str_trim(str_make(text.p + digits, text.n - digits));
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_starts_with(word, str_from(units[i].word)) && units[i].unit == NULL) {
            return; /* no months */
        }
        if (str_starts_with(word, str_from(units[i].word))) {
            hint_written(report, kind, str_make(text.p, digits), units[i].unit, "");
            return;
        }
    }
}

/* A number or `true` in quotes is text. */
static bool hint_quoted(const struct report *report, const struct tree *value,
                        enum format_kind kind)
{
    bool is_digits = is_text(value) && value->text.n > 0;
    for (size_t i = 0; is_digits && i < value->text.n; i++) {
        is_digits = value->text.p[i] >= '0' && value->text.p[i] <= '9';
    }
    bool is_bool = tree_is(value, TREE_TEXT) &&
                   (str_equal(value->text, STR("true")) || str_equal(value->text, STR("false")));
    if (!tree_is(value, TREE_TEXT) ||
        !((kind == FORMAT_COUNT && is_digits) || (kind == FORMAT_BOOL && is_bool))) {
        return false;
    }
    report_hint(report, "leave the quotes out: they make text of it");
    return true;
}

static void hint_map(const struct report *report, struct str name)
{
    if (str_equal(name, STR("input"))) {
        report_hint(report, "write {type: object, properties: {NAME: {type: string}}}");
    } else if (str_equal(name, STR("transitions"))) {
        report_hint(report, "write {success: STATE, error: STATE}");
    } else {
        report_hint(report, "write NAME: VALUE in place of a list");
    }
}

/* What YAML of old took for true and false. */
static void hint_bool(const struct report *report, struct str text)
{
    static const char *const yes[] = {"yes", "Yes", "YES", "on", "On", "y", "1", NULL};
    static const char *const no[] = {"no", "No", "NO", "off", "Off", "n", "0", NULL};
    if (is_choice(text, yes) || is_choice(text, no)) {
        report_hint(report, "write %s", is_choice(text, yes) ? "true" : "false");
    }
}

static void report_kind(const struct report *report, const struct tree *value,
                        const struct format_key *key, const char *what)
{
    char found[128];
    found_text(value, found, sizeof(found));
    if (key->kind == FORMAT_CHOICE || key->kind == FORMAT_WAY) {
        report_choices(report, value, key, what, found);
        return;
    }
    if (key->kind == FORMAT_TEXTS && tree_is(value, TREE_LIST)) {
        report_item(report, value, key->name.p, what);
        return;
    }
    bool is_duration = key->kind == FORMAT_DURATION || key->kind == FORMAT_TIMEOUT ||
                       key->kind == FORMAT_BOUND;
    int64_t ms = 0;
    if (is_duration && read_duration(value, &ms)) {
        report_error(report, value->place, "'%s' of %s must be more than 0%s, not %s", key->name.p,
                     what, key->kind == FORMAT_BOUND ? ", or 'off'" : "", found);
        return;
    }
    report_error(report, value->place, "'%s' of %s must be %s, not %s", key->name.p, what,
                 kind_text(key->kind), found);
    if (hint_quoted(report, value, key->kind)) {
        return;
    }
    if (is_duration && tree_is(value, TREE_INT)) {
        hint_written(report, key->kind, value->text, "s", " for seconds");
    } else if (is_duration && tree_is(value, TREE_TEXT)) {
        hint_duration(report, key->kind, value->text);
    } else if (key->kind == FORMAT_SIZE && tree_is(value, TREE_TEXT)) {
        hint_size(report, value->text);
    } else if (key->kind == FORMAT_BOOL && is_text(value)) {
        hint_bool(report, value->text);
    } else if (key->kind == FORMAT_LIST && tree_is(value, TREE_MAP)) {
        report_hint(report, "begin each entry with '- '");
    } else if (key->kind == FORMAT_MAP && tree_is(value, TREE_LIST)) {
        hint_map(report, key->name);
    } else if ((key->kind == FORMAT_TEXTS || key->kind == FORMAT_LIST) && is_text(value)) {
        report_hint(report, "write [%.*s]", STR_ARG(value->text));
    } else if (key->kind == FORMAT_TEXT) {
        (void)yaml_error_hint_quotes(report, value); /* the hint may not apply */
    } else {
        format_values_hint(report, value, key);
    }
}

static void check_member(const struct report *report, const struct tree_member *member,
                         const struct format_key *key, const char *what, unsigned flags)
{
    if (key->state == FORMAT_LATER && (flags & FORMAT_PROFILE) == 0) {
        report_error(report, member->key.place, "'%s' is not built yet", key->name.p);
        report_hint(report, "leave it out: a key without effect is never accepted");
    } else if (key->state == FORMAT_WARNS && (flags & FORMAT_PROFILE) == 0) {
        report_warning(report, member->key.place,
                       "'%s' has no effect in this version: it waits for the daemon", key->name.p);
    } else if (key->state == FORMAT_WORKS && !has_kind(&member->value, key)) {
        report_kind(report, &member->value, key, what);
    }
}

void format_check(const struct report *report, const struct tree *map,
                  const struct format_key *table, const char *what, unsigned flags)
{
    if (!tree_is(map, TREE_MAP)) {
        report_error(report, map->place, "%s must be a map, not %s", what, tree_kind_name(map));
        return;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const struct tree_member *member = &map->as.members[i];
        const struct format_key *key = format_find(table, member->key.text);
        bool is_free = str_starts_with(member->key.text, STR("x-")) ||
                       str_equal_text(member->key.text, "$schema");
        if (key != NULL) {
            check_member(report, member, key, what, flags);
        } else if (!is_free && (flags & FORMAT_OTHER_KEYS) == 0) {
            report_unknown(report, map, i, table, what);
        }
    }
}

bool format_text(const struct tree *map, const char *key, struct str *out)
{
    const struct tree *value = tree_get(map, str_from(key));
    if (!is_text(value)) {
        return false;
    }
    *out = value->text;
    return true;
}

bool format_bool(const struct tree *map, const char *key, bool *out)
{
    const struct tree *value = tree_get(map, str_from(key));
    if (!tree_is(value, TREE_BOOL)) {
        return false;
    }
    *out = value->as.boolean;
    return true;
}

bool format_count(const struct tree *map, const char *key, uint32_t *out)
{
    return read_count(tree_get(map, str_from(key)), out);
}

bool format_duration(const struct tree *map, const char *key, int64_t *out_ms)
{
    return read_duration(tree_get(map, str_from(key)), out_ms);
}

bool format_size(const struct tree *map, const char *key, uint64_t *out_bytes)
{
    return read_size(tree_get(map, str_from(key)), out_bytes);
}

bool format_whole(const struct tree *map, const char *key, uint32_t *out)
{
    return format_values_whole(tree_get(map, str_from(key)), out);
}

bool format_factor(const struct tree *map, const char *key, double *out)
{
    return format_values_factor(tree_get(map, str_from(key)), out);
}

bool format_bound(const struct tree *map, const char *key, int64_t *out_ms)
{
    const struct tree *value = tree_get(map, str_from(key));
    if (format_values_is_off(value)) {
        *out_ms = 0;
        return true;
    }
    return read_duration(value, out_ms);
}

bool format_money(const struct tree *map, const char *key, int64_t *out_billionths)
{
    return format_values_money(tree_get(map, str_from(key)), out_billionths);
}

bool format_seconds(const struct tree *map, const char *key, int64_t *out_ms)
{
    return format_values_seconds(tree_get(map, str_from(key)), out_ms);
}

bool format_share(const struct tree *map, const char *key, double *out)
{
    return format_values_share(tree_get(map, str_from(key)), out);
}

bool format_rate(const struct tree *map, const char *key, double *out)
{
    return format_values_rate(tree_get(map, str_from(key)), out);
}

const struct tree *format_map(const struct tree *map, const char *key)
{
    const struct tree *value = tree_get(map, str_from(key));
    return tree_is(value, TREE_MAP) ? value : NULL;
}

const struct tree *format_list(const struct tree *map, const char *key)
{
    const struct tree *value = tree_get(map, str_from(key));
    return tree_is(value, TREE_LIST) ? value : NULL;
}
