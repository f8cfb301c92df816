/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Webhook: the message as JSON, signed so that who gets it knows where it comes from and when:
 *
 *     X-OpStream-Signature: t=1795370000,v1=<hex of HMAC-SHA256(secret, "1795370000." + body)>
 */

#include <time.h>

#include "build.h"
#include "message/ledger.h"
#include "target.h"

enum { DIGEST_LINES = LEDGER_HELD + 1 };

static void add_text(struct ops_map *map, const char *key, ops_str text)
{
    if (text.n > 0) {
        ops_map_str(map, key, text);
    }
}

static void add_value(struct ops_map *map, const char *key, ops_val value)
{
    if (value != 0) {
        ops_map_val(map, key, value);
    }
}

static void add_digest(struct ops_map *body, const struct note *note)
{
    ops_val lines[DIGEST_LINES];
    ops_val list = 0;
    ops_str rest = note->digest;
    uint64_t n = 0;
    ops_status status = OPS_OK;
    while (rest.n > 0 && n < DIGEST_LINES && status == OPS_OK) {
        status = ops.value->new_str(ops.h, note->task, note_take_line(&rest), &lines[n++]);
    }
    if (n > 0) {
        status = status == OPS_OK ? ops.value->new_list(ops.h, note->task, lines, n, &list)
                                  : status;
        ops_map_made(body, "held_back", status, list);
    }
}

static ops_status make_body(const struct note *note, int64_t now, ops_str *out)
{
    struct ops_map body = ops_map_begin(note->task);
    struct tm utc;
    char sent_at[32] = "";
    time_t seconds = (time_t)now;
    (void)strftime(sent_at, sizeof sent_at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    add_text(&body, "id", note->key);
    ops_map_str(&body, "title", note->title);
    add_text(&body, "text", note->text);
    ops_map_text(&body, "severity", note_severity_name(note->severity));
    add_value(&body, "fields", note->fields);
    add_value(&body, "table", note->table);
    add_value(&body, "links", note->links);
    add_value(&body, "attachments", note->attachments);
    add_digest(&body, note);
    add_text(&body, "workflow", note->workflow);
    add_text(&body, "run_id", note->run_id);
    add_text(&body, "node", note->node);
    ops_map_text(&body, "sent_at", sent_at);
    return build_json(&body, out);
}

static void append_hex(struct text *out, ops_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (uint64_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        char two[2] = {digits[c >> 4], digits[c & 15]};
        text_append(out, two, sizeof two);
    }
}

static void append_time(struct text *out, int64_t time_s)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)time_s);
    text_append_literal(out, text);
}

static ops_status sign(ops_task task, const struct channel_request *request, ops_sign_done done,
                       void *user)
{
    struct text data = {0};
    append_time(&data, request->made_at);
    text_append_literal(&data, ".");
    text_append_str(&data, request->body);
    const ops_sign_req req = {.size = (uint32_t)sizeof req,
                              .algorithm = OPS_SIGN_HMAC_SHA256,
                              .key = request->signing_key,
                              .data = text_str(&data),
                              .done = done,
                              .user = user};
    ops_status status = data.failed ? OPS_E_RESOURCE : ops.secret->sign(ops.h, task, &req, NULL);
    text_finish(&data);
    return status;
}

static ops_status add_signature(ops_task task, struct channel_request *request, ops_str signature)
{
    struct text value = {0};
    text_append_literal(&value, "t=");
    append_time(&value, request->made_at);
    text_append_literal(&value, ",v1=");
    append_hex(&value, signature);
    ops_status status =
        value.failed
            ? OPS_E_RESOURCE
            : channel_add_header(task, request, ops_text("X-OpStream-Signature"), text_str(&value));
    text_finish(&value);
    return status;
}

static ops_status build(const struct note *note, ops_val settings, struct channel_request *out)
{
    int64_t now = (int64_t)time(NULL);
    ops_val headers = ops_get(settings, "headers");
    uint64_t n = ops.value->count(ops.h, headers);
    ops_status status = make_body(note, now, &out->body);
    out->url = ops_get(settings, "url");
    for (uint64_t i = 0; i < n && out->n_headers < CHANNEL_HEADERS; i++) {
        (void)ops.value->pair(ops.h, headers, i, &out->names[out->n_headers],
                              &out->values[out->n_headers]);
        out->n_headers++;
    }
    out->signing_key = ops_get(settings, "secret");
    out->made_at = now;
    return status;
}

const struct channel channel_webhook = {
    .name = "webhook",
    .word = "The webhook",
    .build = build,
    .sign = sign,
    .add_signature = add_signature,
    .gone_hint = "check the URL",
};
