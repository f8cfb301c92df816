/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_VALUE_SCHEMA_CASE_H
#define TESTS_UNIT_VALUE_SCHEMA_CASE_H

/*
 * Schemas and values from JSON text, and the report as text, for the schema tests. Include after
 * cmocka.h.
 *
 * In cases, a single quote stands for a double quote, so that JSON can be read in C.
 *
 * Used by:  tests/unit/value.
 * Uses:     schema, json.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/value/schema.h"
#include "tests/unit/value/read_json.h"

/* Owned: document_unref(). `text` is JSON with single quotes; "\\'" cannot be written. */
static inline struct document *read_quoted(const char *text)
{
    char *copy = str_dup(str_from(text));
    assert_non_null(copy);
    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    struct document *document = read_json(copy);
    free(copy);
    return document;
}

/* Owned: schema_destroy(). Fails the test when `text` is no schema. */
static inline struct schema *compile_quoted(const char *text)
{
    cleanup_document struct document *document = read_quoted(text);
    struct schema *schema = NULL;
    struct error err = {0};
    if (schema_compile(document, &schema, &err) != 0) {
        fail_msg("cannot compile %s: %s", text, err.message);
    }
    return schema;
}

/* Appends "pointer|rule|message" and maybe "|suggestion", a line for each violation. */
static inline void write_report(const struct schema_report *report, struct strbuf *out)
{
    for (size_t i = 0; i < schema_report_count(report); i++) {
        const struct schema_violation *violation = schema_report_at(report, i);
        strbuf_append_text(out, i > 0 ? "\n" : "");
        strbuf_append_str(out, violation->pointer);
        strbuf_append_char(out, '|');
        strbuf_append_str(out, violation->rule);
        strbuf_append_char(out, '|');
        strbuf_append_str(out, violation->message);
        if (violation->suggestion.n > 0) {
            strbuf_append_char(out, '|');
            strbuf_append_str(out, violation->suggestion);
        }
    }
}

/* Whether the value satisfies the schema; fails the test when that cannot be said. */
static inline bool is_valid_quoted(const char *schema_text, const char *value_text)
{
    struct schema *schema = compile_quoted(schema_text);
    cleanup_document struct document *value = read_quoted(value_text);
    struct schema_report *report = NULL;
    struct error err = {0};
    int status = schema_validate(schema, document_root(value), &report, &err);
    if (status != 0 &&
        (status != E_INVALID || report == NULL || schema_report_count(report) == 0)) {
        fail_msg("%s on %s: status %d, %s", schema_text, value_text, status, err.message);
    }
    schema_report_destroy(report);
    schema_destroy(schema);
    return status == 0;
}

/* Fails the test unless the report of the value is `expected`, "" for a valid one. */
static inline void assert_report(const char *schema_text, const char *value_text,
                                 const char *expected)
{
    struct schema *schema = compile_quoted(schema_text);
    cleanup_document struct document *value = read_quoted(value_text);
    struct schema_report *report = NULL;
    struct strbuf out = STRBUF_INIT;
    int status = schema_validate(schema, document_root(value), &report, NULL);
    if (status == E_INVALID) {
        write_report(report, &out);
    }
    assert_int_equal(status, expected[0] == '\0' ? 0 : E_INVALID);
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_finish(&out);
    schema_report_destroy(report);
    schema_destroy(schema);
}

#endif
