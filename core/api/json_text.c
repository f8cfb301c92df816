/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/json_text.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

#define REPLACEMENT "\xEF\xBF\xBD"

void json_text_mend(struct str text, struct strbuf *out)
{
    while (text.n > 0) {
        size_t whole = utf8_valid_prefix(text.p, text.n);
        strbuf_append(out, text.p, whole);
        if (whole < text.n) {
            strbuf_append_text(out, REPLACEMENT);
            whole++;
        }
        text = str_make(text.p + whole, text.n - whole);
    }
}

static void add_text(struct builder *b, struct str text)
{
    if (utf8_valid_prefix(text.p, text.n) == text.n) {
        builder_string(b, text);
        return;
    }
    struct strbuf mended = STRBUF_INIT;
    json_text_mend(text, &mended);
    builder_string(b, strbuf_str(&mended));
    if (strbuf_status(&mended) != 0) {
        builder_fail_nomem(b);
    }
    strbuf_finish(&mended);
}

void json_text_member(struct builder *b, struct str key, struct str text)
{
    builder_key(b, key);
    add_text(b, text);
}

void json_text_member_or_null(struct builder *b, struct str key, struct str text)
{
    if (text.n > 0) {
        json_text_member(b, key, text);
    } else {
        builder_member_null(b, key);
    }
}

void json_text_time(struct builder *b, struct str key, int64_t unix_ms)
{
    if (unix_ms == 0) {
        builder_member_null(b, key);
        return;
    }
    char text[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(unix_ms, text);
    builder_member_string(b, key, str_from(text));
}

void json_text_seconds(struct builder *b, struct str key, int64_t from_ms, int64_t to_ms)
{
    if (from_ms == 0 || to_ms == 0) {
        builder_member_null(b, key);
        return;
    }
    builder_member_double(b, key, ((double)to_ms - (double)from_ms) / 1000.0);
}

/* What was written once may be larger than what is read from people. */
static const struct json_limits limits = {
    .max_bytes = SIZE_MAX, .max_depth = VALUE_MAX_DEPTH, .max_values = SIZE_MAX};

struct document *json_text_read(struct builder *b, struct str json)
{
    struct document *document = NULL;
    int status = json.n > 0 ? json_read(json, &limits, &document, NULL) : E_INVALID;
    if (status == E_NOMEM) {
        builder_fail_nomem(b);
    }
    return status == 0 ? document : NULL;
}

void json_text_part(struct builder *b, const struct document *document, const struct value *value,
                    unsigned levels)
{
    if (value == NULL) {
        builder_null(b);
        return;
    }
    if (value->depth + levels <= VALUE_MAX_DEPTH) {
        builder_embed(b, document, value);
        return;
    }
    struct strbuf text = STRBUF_INIT;
    json_write(value, JSON_COMPACT, &text);
    builder_string(b, strbuf_str(&text));
    if (strbuf_status(&text) != 0) {
        builder_fail_nomem(b);
    }
    strbuf_finish(&text);
}

void json_text_value(struct builder *b, struct str json, unsigned levels)
{
    cleanup_document struct document *document = json_text_read(b, json);
    if (document != NULL) {
        json_text_part(b, document, document_root(document), levels);
    } else if (json.n == 0) {
        builder_null(b);
    } else {
        add_text(b, json);
    }
}
