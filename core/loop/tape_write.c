/* SPDX-License-Identifier: Apache-2.0 */

#include "core/base/cleanup.h"
#include "core/base/utf8.h"
#include "core/loop/tape_call.h"
#include "core/loop/tape_text.h"
#include "core/value/json.h"
#include "core/value/mask.h"
#include "core/value/value.h"

/* Deeper bodies stay text: around them the line has levels of its own. */
enum { JSON_BODY_DEPTH = 48 };

bool tape_text_is_credential(struct str name)
{
    static const char *const words[] = {"authorization", "cookie",     "token",
                                        "secret",        "api-key",    "apikey",
                                        "password",      "credential", "auth-key"};
    if (str_has_caseless(name, STR("ratelimit")) || str_has_caseless(name, STR("rate-limit"))) {
        return false; /* "tokens" that are counted */
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_has_caseless(name, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

/* `text` without what nobody may see: itself, or what it then is in `space`. */
static struct str hide(const struct mask *mask, struct str text, struct strbuf *space)
{
    strbuf_clear(space);
    int result = mask != NULL ? mask_text(mask, text, space) : MASK_CLEAN;
    if (result < 0) {
        space->failed = true;
        return STR("***"); /* nothing is better than what may be a secret */
    }
    return result == MASK_FOUND ? strbuf_str(space) : text;
}

/* One line that is being written. */
struct line {
    const struct mask *mask;
    struct strbuf *out;
    struct strbuf space;
    bool leaves_bodies_out;
};

static void append_key(struct line *line, const char *key)
{
    char last = line->out->n > 0 ? line->out->p[line->out->n - 1] : '{';
    strbuf_append_format(line->out, "%s\"%s\":", last == '{' ? "" : ",", key);
}

static void append_string(struct line *line, struct str text)
{
    struct str shown = hide(line->mask, text, &line->space);
    if (utf8_valid_prefix(shown.p, shown.n) == shown.n) {
        json_write_string(shown, line->out);
    } else {
        json_write_string(STR("?"), line->out); /* a header that is no text */
    }
    line->out->failed = line->out->failed || line->space.failed;
}

static void append_member(struct line *line, const char *key, struct str text)
{
    append_key(line, key);
    append_string(line, text);
}

static void append_headers(struct line *line, const struct tape_headers *headers)
{
    append_key(line, "headers");
    strbuf_append_char(line->out, '[');
    for (size_t i = 0; i < headers->count; i++) {
        const struct tape_header *header = &headers->items[i];
        strbuf_append_text(line->out, i > 0 ? ",[" : "[");
        append_string(line, header->name);
        strbuf_append_char(line->out, ',');
        append_string(line, tape_text_is_credential(header->name) ? STR("***") : header->value);
        strbuf_append_char(line->out, ']');
    }
    strbuf_append_char(line->out, ']');
}

/* It would be read again as it is. */
static bool is_plain_json(struct str text)
{
    static const struct json_limits limits = {.max_bytes = TAPE_MAX_BODY_BYTES,
                                              .max_depth = JSON_BODY_DEPTH,
                                              .max_values = TAPE_MAX_BODY_BYTES};
    cleanup_document struct document *document = NULL;
    struct strbuf again = STRBUF_INIT;
    bool is_same = json_read(text, &limits, &document, NULL) == 0;
    if (is_same) {
        json_write(document_root(document), JSON_COMPACT, &again);
        is_same = str_equal(strbuf_str(&again), text);
    }
    strbuf_finish(&again);
    return is_same;
}

static void append_bytes(struct strbuf *out, struct str bytes)
{
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < bytes.n; i++) {
        strbuf_append_format(out, "\\u%04x", (unsigned char)bytes.p[i]);
    }
    strbuf_append_char(out, '"');
}

static void append_body(struct line *line, const struct tape_body *body)
{
    uint64_t left_out = line->leaves_bodies_out ? body->bytes.n : body->left_out;
    if (left_out > 0) {
        append_key(line, "left_out");
        strbuf_append_format(line->out, "%llu", (unsigned long long)left_out);
        return;
    }
    struct str shown = hide(line->mask, body->bytes, &line->space);
    line->out->failed = line->out->failed || line->space.failed;
    if (shown.n == 0) {
        return;
    }
    if (utf8_valid_prefix(shown.p, shown.n) < shown.n) {
        append_key(line, "bytes");
        append_bytes(line->out, shown);
    } else if (is_plain_json(shown)) {
        append_key(line, "json");
        strbuf_append_str(line->out, shown);
    } else {
        append_key(line, "body");
        json_write_string(shown, line->out);
    }
}

static void append_response(struct line *line, const struct tape_response *response)
{
    append_key(line, "response");
    strbuf_append_format(line->out, "{\"status\":%d", (int)response->status);
    append_headers(line, &response->headers);
    append_body(line, &response->body);
    if (response->url.n > 0) {
        append_member(line, "url", response->url);
    }
    double took_ms = response->took_ms < TAPE_MAX_TOOK_MS ? response->took_ms : TAPE_MAX_TOOK_MS;
    strbuf_append_format(line->out, ",\"took_ms\":%.1f}", took_ms);
}

static void append_failure(struct line *line, const struct tape_failure *failure)
{
    append_key(line, "failure");
    strbuf_append_char(line->out, '{');
    append_member(line, "code", failure->code);
    append_member(line, "symbol", failure->symbol);
    append_member(line, "message", failure->message);
    append_member(line, "hint", failure->hint);
    append_key(line, "maybe_done");
    strbuf_append_text(line->out, failure->is_maybe_done ? "true}" : "false}");
}

static void append_line(struct line *line, const struct tape_call *call)
{
    strbuf_append_char(line->out, '{');
    append_key(line, "request");
    strbuf_append_char(line->out, '{');
    append_member(line, "method", call->request.method);
    append_member(line, "url", call->request.url);
    append_headers(line, &call->request.headers);
    append_body(line, &call->request.body);
    strbuf_append_char(line->out, '}');
    if (call->outcome == TAPE_RESPONSE) {
        append_response(line, &call->response);
    } else {
        append_failure(line, &call->failure);
    }
    strbuf_append_text(line->out, "}\n");
}

void tape_text_append_head(struct strbuf *out)
{
    strbuf_append_format(out, "{\"opstream_tape\":%d}\n", TAPE_VERSION);
}

/* What is escaped may be much longer than it was. */
void tape_text_append_call(const struct tape_call *call, const struct mask *mask,
                           struct strbuf *out)
{
    struct line line = {.mask = mask, .out = out};
    size_t start = out->n;
    append_line(&line, call);
    if (out->n - start > TAPE_MAX_LINE_BYTES) {
        out->n = start;
        out->p[start] = '\0';
        line.leaves_bodies_out = true;
        append_line(&line, call);
    }
    strbuf_finish(&line.space);
}
