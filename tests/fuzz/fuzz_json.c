/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to the JSON reader. What it accepts must come back equal, with the same canonical form,
 * from both styles of the writer, and the canonical form must be its own. What it refuses must
 * have a message and, unless a limit that has no place was hit, a place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/fuzz/fuzz.h"

/* Small, so that the fuzzer finds the limits too. */
static const struct json_limits limits = {
    .max_bytes = 100000, .max_depth = VALUE_MAX_DEPTH, .max_values = 1000};

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void check_same(const struct value *value, struct str text, const char *promise)
{
    const struct json_limits wide = {
        .max_bytes = SIZE_MAX, .max_depth = VALUE_MAX_DEPTH, .max_values = SIZE_MAX};
    struct document *again = NULL;
    expect(json_read(text, &wide, &again, NULL) == 0, promise);
    expect(value_equal(value, document_root(again)), promise);
    expect(value_equal(document_root(again), value), promise);
    struct strbuf before = STRBUF_INIT;
    struct strbuf after = STRBUF_INIT;
    value_write_canonical(value, &before);
    value_write_canonical(document_root(again), &after);
    expect(str_equal(strbuf_str(&before), strbuf_str(&after)), promise);
    strbuf_finish(&before);
    strbuf_finish(&after);
    document_unref(again);
}

static void check_writers(const struct value *value)
{
    struct strbuf text = STRBUF_INIT;
    json_write(value, JSON_COMPACT, &text);
    check_same(value, strbuf_str(&text), "compact text reads back the same");
    strbuf_clear(&text);
    json_write(value, JSON_PRETTY, &text);
    check_same(value, strbuf_str(&text), "pretty text reads back the same");
    strbuf_clear(&text);
    value_write_canonical(value, &text);
    check_same(value, strbuf_str(&text), "the canonical form reads back the same");
    strbuf_finish(&text);
}

static void check_builder(const struct document *document)
{
    const struct value *root = document_root(document);
    struct builder *b = builder_create();
    builder_copy(b, root);
    struct document *copy = NULL;
    expect(builder_finish(b, &copy, NULL) == 0, "a value can be copied");
    expect(value_equal(root, document_root(copy)), "a copy is equal");
    expect(root->depth == document_root(copy)->depth, "a copy is as deep");
    document_unref(copy);
}

static void check_error(const struct error *err, int status)
{
    expect(status == E_INVALID || status == E_LIMIT, "bad text is invalid or over a limit");
    expect(err->code == status && err->message[0] != '\0', "an error has its code and a message");
    expect(utf8_valid_prefix(err->message, strlen(err->message)) == strlen(err->message),
           "a message is UTF-8");
    expect((err->line > 0 && err->column > 0) || status == E_LIMIT, "an error has a place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct document *document = NULL;
    int status = json_read(str_make((const char *)data, size), &limits, &document, &err);
    if (status != 0) {
        check_error(&err, status);
        return 0;
    }
    check_writers(document_root(document));
    check_builder(document);
    document_unref(document);
    return 0;
}
