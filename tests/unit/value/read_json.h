/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_VALUE_READ_JSON_H
#define TESTS_UNIT_VALUE_READ_JSON_H

/*
 * Values from JSON text, and back, for tests whose text must be right. Include after cmocka.h.
 *
 * Used by:  tests/unit.
 * Uses:     json.
 * Threads:  [main]
 */

#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Owned: document_unref(). Fails the test when `text` is not JSON. */
static inline struct document *read_json(const char *text)
{
    struct document *document = NULL;
    struct error err = {0};
    if (json_read(str_from(text), NULL, &document, &err) != 0) {
        fail_msg("cannot read '%s': %s", text, err.message);
    }
    return document;
}

/* Fails the test unless `value` is written as `expected`. */
static inline void assert_json(const struct value *value, const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    json_write(value, JSON_COMPACT, &out);
    assert_int_equal(strbuf_status(&out), 0);
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_finish(&out);
}

#endif
