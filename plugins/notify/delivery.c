/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery.h"

#include <stdio.h>
#include <time.h>

#include "email.h"
#include "service/status.h"

#define KEPT_MS (30ull * 24 * 3600 * 1000)

enum { KEY_BYTES = 512, WORDS_BYTES = 200 };

/* ---- the end ---- */

static void end(struct delivery *delivery, enum delivery_state state)
{
    delivery->state = state;
    delivery->on_over(delivery);
}

static void copy(char *to, size_t size, ops_str from)
{
    struct text line = {0};
    text_append_line(&line, from, size - 4); /* "..." may follow */
    (void)snprintf(to, size, "%.*s", (int)line.n, line.p != NULL ? line.p : "");
    text_finish(&line);
}

static void fail_with(struct delivery *delivery, const ops_error *err)
{
    delivery->code = err->code;
    delivery->effect = err->effect;
    delivery->retry = err->retry;
    delivery->retry_after_ms = err->retry_after_ms;
    delivery->upstream_status = err->upstream_status;
    copy(delivery->symbol, sizeof delivery->symbol, err->symbol);
    copy(delivery->message, sizeof delivery->message, err->message);
    copy(delivery->hint, sizeof delivery->hint, err->hint);
    end(delivery, DELIVERY_FAILED);
}

static void fail_text(struct delivery *delivery, ops_status code, const char *symbol,
                      const char *message)
{
    ops_error err = ops_error_make(code, message);
    err.symbol = ops_text(symbol);
    fail_with(delivery, &err);
}

/* ---- what is kept ---- */

static ops_str kept_key(const struct delivery *delivery, char out[KEY_BYTES])
{
    ops_str key = delivery->note->key;
    int n = snprintf(out, KEY_BYTES, "sent/%.*s/%s", (int)key.n, key.p, delivery->target.name);
    return ops_slice(out, n < KEY_BYTES ? (uint64_t)n : KEY_BYTES - 1);
}

/* It got through, whether that could be noted or not. */
static void on_kept(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    (void)entry;
    if (status != OPS_OK) {
        ops_log_text(task, OPS_LOG_WARN,
                     "that the message was sent could not be kept: a repeated attempt would send "
                     "it again");
    }
    end(user, DELIVERY_SENT);
}

static void keep(struct delivery *delivery)
{
    char key[KEY_BYTES];
    const ops_kv_req req = {.size = (uint32_t)sizeof req,
                            .key = kept_key(delivery, key),
                            .value = ops_text(delivery->id),
                            .ttl_ms = KEPT_MS,
                            .done = on_kept,
                            .user = delivery};
    ops_status status = ops.kv->put(ops.h, delivery->note->task, &req, NULL);
    if (status != OPS_OK) {
        on_kept(delivery, delivery->note->task, status, NULL);
    }
}

/* ---- by HTTP ---- */

static ops_str header_of(const ops_http_res *res, const char *name)
{
    for (uint64_t i = 0; i < res->n_headers; i++) {
        if (text_equal_nocase(res->header_names[i], name)) {
            return res->header_values[i];
        }
    }
    return ops_text(NULL);
}

static void fail_status(struct delivery *delivery, const ops_http_res *res)
{
    const struct channel *channel = delivery->target.channel;
    struct status_meaning meaning = status_read(res->status);
    struct text words = {0};
    char message[400];
    char symbol[64];
    text_append_line(&words, res->body, WORDS_BYTES);
    (void)snprintf(message, sizeof message, "%s answered %d%s%.*s", channel->word, res->status,
                   words.n > 0 ? ": " : "", (int)words.n, words.p != NULL ? words.p : "");
    (void)snprintf(symbol, sizeof symbol, "notify.%s", meaning.symbol + strlen("http."));
    text_finish(&words);
    ops_error err = ops_error_make(meaning.code, message);
    err.symbol = ops_text(symbol);
    err.effect = status_effect(res->status, ops_text("POST"));
    err.upstream_status = res->status;
    err.retry_after_ms = status_retry_after_ms(header_of(res, "retry-after"), (int64_t)time(NULL));
    err.hint = ops_text(res->status == 404 ? channel->gone_hint : NULL);
    fail_with(delivery, &err);
}

/* The service says no in an answer that looks good. */
static void fail_refusal(struct delivery *delivery, const ops_http_res *res, ops_status code,
                         const char *word, const char *hint)
{
    char message[256];
    (void)snprintf(message, sizeof message, "%s answered: %s", delivery->target.channel->word,
                   word);
    ops_error err = ops_error_make(code, message);
    err.symbol = ops_text("notify.refused");
    err.hint = ops_text(hint);
    err.retry_after_ms = status_retry_after_ms(header_of(res, "retry-after"), (int64_t)time(NULL));
    fail_with(delivery, &err);
}

static void on_http_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct delivery *delivery = user;
    const struct channel *channel = delivery->target.channel;
    char word[CHANNEL_WORD_BYTES] = "";
    const char *hint = NULL;
    if (err != NULL) {
        fail_with(delivery, err);
        return;
    }
    if (res->status < 200 || res->status >= 300) {
        fail_status(delivery, res);
        return;
    }
    ops_status code = channel->judge != NULL ? channel->judge(task, res, word, &hint) : OPS_OK;
    if (code != OPS_OK) {
        fail_refusal(delivery, res, code, word, hint);
        return;
    }
    if (channel->read_id != NULL) {
        channel->read_id(task, res, delivery->id);
    }
    keep(delivery);
}

static void send_http(struct delivery *delivery)
{
    const struct channel *channel = delivery->target.channel;
    struct channel_request *request = &delivery->request;
    ops_str texts[CHANNEL_HEADERS] = {{0}}; /* the values are handles */
    ops_task task = delivery->note->task;
    ops_status status = channel->build(delivery->note, delivery->target.settings, request);
    if (status == OPS_OK) {
        status = channel_add_header(task, request, ops_text("Content-Type"),
                                    ops_text("application/json"));
    }
    if (status == OPS_OK) {
        const ops_http_req req = {.size = (uint32_t)sizeof req,
                                  .flags = OPS_HTTP_NO_REDIRECT | OPS_HTTP_IDEMPOTENCY_KEY,
                                  .method = ops_text("POST"),
                                  .url_val = request->url,
                                  .header_names = request->names,
                                  .header_values = texts,
                                  .header_vals = request->values,
                                  .n_headers = request->n_headers,
                                  .body = request->body,
                                  .label = ops_text(delivery->target.name),
                                  .on_done = on_http_done,
                                  .user = delivery};
        status = ops.http->send(ops.h, task, &req, NULL);
    }
    if (status != OPS_OK) {
        fail_text(delivery, status, "notify.request", "the message could not be made");
    }
}

/* ---- by e-mail ---- */

static void on_mail_done(void *user, ops_task task, const ops_mail_res *res, const ops_error *err)
{
    struct delivery *delivery = user;
    (void)task;
    if (err != NULL) {
        fail_with(delivery, err);
        return;
    }
    copy(delivery->id, sizeof delivery->id, res->message_id);
    keep(delivery);
}

static void send_mail(struct delivery *delivery)
{
    struct email email = {0};
    const char *fault =
        email_build(delivery->note, delivery->target.settings, delivery->mail_defaults, &email);
    ops_status status = fault != NULL ? OPS_E_CONFIG : OPS_OK;
    if (status == OPS_OK) {
        email.req.label = ops_text(delivery->target.name);
        email.req.on_done = on_mail_done;
        email.req.user = delivery;
        status = ops.mail->send(ops.h, delivery->note->task, &email.req, NULL);
    }
    email_finish(&email);
    if (status != OPS_OK) {
        fail_text(delivery, status, "notify.request",
                  fault != NULL ? fault : "the message could not be made");
    }
}

static void send_out(struct delivery *delivery)
{
    if (delivery->target.channel->build != NULL) {
        send_http(delivery);
    } else {
        send_mail(delivery);
    }
}

/* ---- the beginning ---- */

static void on_known(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct delivery *delivery = user;
    (void)task;
    if (status == OPS_OK) {
        copy(delivery->id, sizeof delivery->id, entry->value);
        end(delivery, DELIVERY_SENT_BEFORE);
    } else if (status == OPS_E_NOT_FOUND) {
        send_out(delivery);
    } else {
        fail_text(delivery, status, "notify.state",
                  "whether an earlier attempt got through cannot be read from the state");
    }
}

void delivery_start(struct delivery *delivery)
{
    char key[KEY_BYTES];
    if (delivery->note->attempt <= 1) {
        send_out(delivery);
        return;
    }
    ops_status status =
        ops.kv->get(ops.h, delivery->note->task, kept_key(delivery, key), on_known, delivery, NULL);
    if (status != OPS_OK) {
        on_known(delivery, delivery->note->task, status, NULL);
    }
}
