/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/value/json.h"
#include "core/value/schema_node.h"
#include "core/value/value.h"

enum {
    SHOWN_TEXT_BYTES = 60, /* of a text in a message */
    SHOWN_CHOICES = 12,    /* of a list in a message */
};

struct schema_report *report_create(void)
{
    struct schema_report *report = calloc(1, sizeof(*report));
    if (report != NULL) {
        report->limit = SCHEMA_MAX_VIOLATIONS;
    }
    return report;
}

void schema_report_destroy(struct schema_report *report)
{
    if (report == NULL) {
        return;
    }
    report_cut(report, 0);
    strbuf_finish(&report->message);
    strbuf_finish(&report->pointer);
    free(report->findings);
    free(report);
}

static void append_pointer(struct strbuf *out, const struct schema_place *place)
{
    /* A place is made right before the subschema for it is entered, so one more can be there. */
    const struct schema_place *way[SCHEMA_MAX_DEPTH + 1];
    size_t count = 0;
    for (; place != NULL; place = place->parent) {
        CHECK(count < SCHEMA_MAX_DEPTH + 1);
        way[count++] = place;
    }
    while (count-- > 0) {
        if (way[count]->key != NULL) {
            value_pointer_append(out, value_str(way[count]->key));
        } else {
            strbuf_append_format(out, "/%zu", way[count]->index);
        }
    }
}

/* Copies `text` to `*end` and moves that behind it. */
static struct str place_text(char **end, struct str text)
{
    char *start = *end;
    if (text.n > 0) {
        memcpy(start, text.p, text.n);
    }
    *end += text.n;
    return str_make(start, text.n);
}

static int keep_texts(struct schema_report *report, struct schema_finding *finding)
{
    if (strbuf_status(&report->message) != 0 || strbuf_status(&report->pointer) != 0) {
        return E_NOMEM;
    }
    struct schema_violation *violation = &finding->violation;
    finding->text_bytes = report->message.n + report->pointer.n + violation->suggestion.n;
    finding->text = malloc(finding->text_bytes + 1);
    if (finding->text == NULL) {
        return E_NOMEM;
    }
    char *end = finding->text;
    violation->message = place_text(&end, strbuf_str(&report->message));
    violation->pointer = place_text(&end, strbuf_str(&report->pointer));
    violation->suggestion = place_text(&end, violation->suggestion);
    report->text_bytes += finding->text_bytes;
    return 0;
}

/* Frees the texts of the findings from `from` to `to`. */
static void drop_texts(struct schema_report *report, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        report->text_bytes -= report->findings[i].text_bytes;
        free(report->findings[i].text);
    }
}

int report_add(struct schema_report *report, const struct schema_place *place,
               const struct schema_finding *finding)
{
    if (report->count >= report->limit) {
        report->is_cut = true;
        return 0;
    }
    if (report->text_bytes > SCHEMA_MAX_REPORT_BYTES) {
        return E_LIMIT;
    }
    struct schema_finding *findings =
        array_reserve(report->findings, &report->cap, report->count + 1, sizeof(*report->findings));
    if (findings == NULL) {
        return E_NOMEM;
    }
    report->findings = findings;

    strbuf_clear(&report->pointer);
    append_pointer(&report->pointer, place);
    findings[report->count] = *finding;
    findings[report->count].depth = report_depth(place);
    int status = keep_texts(report, &findings[report->count]);
    report->count += status == 0 ? 1 : 0;
    return status;
}

void report_cut(struct schema_report *report, size_t count)
{
    drop_texts(report, count, report->count);
    report->count = count;
}

void report_keep_newer(struct schema_report *report, size_t older, size_t newer)
{
    size_t count = report->count - newer;
    drop_texts(report, older, newer);
    if (count > 0) {
        memmove(&report->findings[older], &report->findings[newer],
                count * sizeof(report->findings[0]));
    }
    report->count = older + count;
}

uint64_t report_score(const struct schema_report *report, size_t from, uint32_t depth)
{
    uint64_t score = 0;
    for (size_t i = from; i < report->count; i++) {
        const struct schema_finding *finding = &report->findings[i];
        if (finding->depth == depth && (finding->types != 0 || finding->is_choice)) {
            score += UINT64_C(1) << 40;
        } else if (finding->depth == depth + 1 && finding->is_choice) {
            score += UINT64_C(1) << 20;
        } else {
            score += 1;
        }
    }
    return score;
}

void report_append_text(struct strbuf *out, struct str text)
{
    size_t n = text.n;
    if (n > SHOWN_TEXT_BYTES) {
        n = utf8_whole_prefix(text.p, SHOWN_TEXT_BYTES - 3);
    }
    escape_append_text(out, str_make(text.p, n));
    if (n < text.n) {
        strbuf_append_text(out, "...");
    }
}

void report_append_value(struct strbuf *out, const struct value *value)
{
    if (value_is_secret(value)) {
        strbuf_append_text(out, "***");
        return;
    }
    switch (value_type(value)) {
    case VALUE_STRING:
        strbuf_append_char(out, '\'');
        report_append_text(out, value_str(value));
        strbuf_append_char(out, '\'');
        return;
    case VALUE_LIST:
        strbuf_append_text(out, value_count(value) == 0 ? "an empty list" : "a list");
        return;
    case VALUE_MAP:
        strbuf_append_text(out, value_count(value) == 0 ? "an empty map" : "a map");
        return;
    default:
        json_write(value, JSON_COMPACT, out);
    }
}

void report_append_typed_value(struct strbuf *out, const struct value *value)
{
    strbuf_append_text(out, value_is(value, VALUE_STRING) ? "text " : "");
    report_append_value(out, value);
}

/* Before item `i` of `count`: nothing, a comma, or "or". */
static void append_joint(struct strbuf *out, size_t i, size_t count)
{
    if (i > 0) {
        strbuf_append_text(out, i + 1 == count ? " or " : ", ");
    }
}

/* As people say who write YAML; the names of JSON Schema are in schema_type_names. */
static const char *const type_words[SCHEMA_TYPE_COUNT] = {
    "null", "true or false", "a whole number", "a number", "text", "a list", "a map",
};

void report_append_missing(struct strbuf *out, const struct report_missing *list, size_t count)
{
    size_t branches = 0;
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        branches += list[i].is_first ? 1 : 0;
    }
    bool is_single = branches == count;
    strbuf_append_text(out, "one of the keys ");
    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_first) {
            strbuf_append_text(out, " and ");
        } else if (is_single) {
            append_joint(out, shown++, branches);
        } else if (i > 0) {
            strbuf_append_text(out, ++shown + 1 == branches ? ", or " : ", ");
        }
        report_append_value(out, list[i].name);
    }
}

void report_append_types(struct strbuf *out, unsigned types)
{
    size_t count = (size_t)__builtin_popcount(types);
    size_t shown = 0;
    for (unsigned i = 1; i <= SCHEMA_TYPE_COUNT; i++) {
        unsigned bit = 1u << i % SCHEMA_TYPE_COUNT; /* null comes last: "text or null" */
        if ((types & bit) == 0) {
            continue;
        }
        append_joint(out, shown++, count);
        strbuf_append_text(out, type_words[i % SCHEMA_TYPE_COUNT]);
    }
}

void report_append_choices(struct strbuf *out, const struct value *list)
{
    size_t count = value_count(list);
    size_t shown = count > SHOWN_CHOICES ? SHOWN_CHOICES - 1 : count;
    for (size_t i = 0; i < shown; i++) {
        append_joint(out, i, shown < count ? count : shown);
        const struct value *choice = value_at(list, i);
        if (value_is(choice, VALUE_MAP) || value_is(choice, VALUE_LIST)) {
            struct strbuf json = STRBUF_INIT;
            json_write(choice, JSON_COMPACT, &json);
            out->failed = out->failed || json.failed;
            report_append_text(out, strbuf_str(&json));
            strbuf_finish(&json);
        } else {
            report_append_value(out, choice);
        }
    }
    if (shown < count) {
        strbuf_append_format(out, " or %zu others", count - shown);
    }
}

size_t schema_report_count(const struct schema_report *report)
{
    return report->count;
}

const struct schema_violation *schema_report_at(const struct schema_report *report, size_t i)
{
    CHECK(i < report->count);
    return &report->findings[i].violation;
}

bool schema_report_is_cut(const struct schema_report *report)
{
    return report->is_cut;
}
