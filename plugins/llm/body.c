/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <stdio.h>

static void append_string(struct text *out, ops_str s)
{
    size_t from = 0;
    text_append(out, "\"", 1);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char escaped[8];
        int n = c < 0x20 ? snprintf(escaped, sizeof escaped, "\\u%04x", c)
                         : snprintf(escaped, sizeof escaped, "\\%c", c);
        text_append(out, s.p + from, i - from);
        text_append(out, escaped, (size_t)n);
        from = i + 1;
    }
    text_append(out, s.p + from, (size_t)s.n - from);
    text_append(out, "\"", 1);
}

static void begin(struct body *body, const char *key)
{
    const struct text *text = &body->text;
    char last = text->n > 0 ? text->p[text->n - 1] : '[';
    if (last != '[' && last != '{') {
        text_append(&body->text, ",", 1);
    }
    if (key != NULL) {
        append_string(&body->text, ops_text(key));
        text_append(&body->text, ":", 1);
    }
}

void body_open(struct body *body, const char *key, char bracket)
{
    begin(body, key);
    text_append(&body->text, &bracket, 1);
}

void body_close(struct body *body, char bracket)
{
    text_append(&body->text, &bracket, 1);
}

void body_str(struct body *body, const char *key, ops_str s)
{
    begin(body, key);
    append_string(&body->text, s);
}

void body_text(struct body *body, const char *key, const char *text)
{
    body_str(body, key, ops_text(text));
}

void body_i64(struct body *body, const char *key, int64_t i)
{
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)i);
    begin(body, key);
    text_append_literal(&body->text, digits);
}

/* By the host: its shortest form reads back as the same, whatever the locale. */
void body_f64(struct body *body, const char *key, double d)
{
    ops_val v = 0;
    body->text.failed |= ops.value->new_f64(ops.h, body->task, d, &v) != OPS_OK;
    body_val(body, key, v);
}

void body_bool(struct body *body, const char *key, int is_true)
{
    begin(body, key);
    text_append_literal(&body->text, is_true ? "true" : "false");
}

void body_val(struct body *body, const char *key, ops_val v)
{
    ops_str json = {NULL, 0};
    if (v == 0) {
        return;
    }
    body->text.failed |= ops.value->to_json(ops.h, v, &json) != OPS_OK;
    begin(body, key);
    text_append_str(&body->text, json);
}

void body_json_str(struct body *body, const char *key, ops_val v)
{
    ops_str json = {NULL, 0};
    body->text.failed |= ops.value->to_json(ops.h, v, &json) != OPS_OK;
    body_str(body, key, json);
}
