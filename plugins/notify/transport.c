/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <stdio.h>
#include <time.h>

#include "delivery.h"
#include "email.h"
#include "service/problem.h"
#include "service/status.h"

enum { WORDS_BYTES = 200 };

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
    delivery_fail(delivery, &err);
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
    int may_be_done = code == OPS_E_UNAVAILABLE || code == OPS_E_UPSTREAM;
    err.effect = may_be_done && !problem_is_page(res->body) ? OPS_EFFECT_MAYBE : OPS_EFFECT_NONE;
    err.hint = ops_text(hint);
    err.retry_after_ms = status_retry_after_ms(header_of(res, "retry-after"), (int64_t)time(NULL));
    delivery_fail(delivery, &err);
}

static void on_http_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct delivery *delivery = user;
    const struct channel *channel = delivery->target.channel;
    char word[CHANNEL_WORD_BYTES] = "";
    const char *hint = NULL;
    if (err != NULL) {
        delivery_fail(delivery, err);
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
    delivery_succeed(delivery);
}

static ops_status send_request(struct delivery *delivery)
{
    struct channel_request *request = &delivery->request;
    ops_str texts[CHANNEL_HEADERS] = {{0}}; /* the values are handles */
    ops_task task = delivery->note.task;
    ops_status status =
        channel_add_header(task, request, ops_text("Content-Type"),
                           request->type.n > 0 ? request->type : ops_text("application/json"));
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
    return status;
}

static void on_signed(void *user, ops_task task, ops_str signature, const ops_error *err)
{
    struct delivery *delivery = user;
    ops_status status =
        err != NULL ? err->code
                    : delivery->target.channel->add_signature(task, &delivery->request, signature);
    if (status == OPS_OK) {
        status = send_request(delivery);
    }
    if (status != OPS_OK) {
        delivery_fail_text(delivery, status, "notify.request", "the message could not be made");
    }
}

static void send_http(struct delivery *delivery)
{
    const struct channel *channel = delivery->target.channel;
    struct channel_request *request = &delivery->request;
    ops_status status = channel->build(&delivery->note, delivery->target.settings, request);
    if (status == OPS_OK) {
        status = request->signing_key != 0
                     ? channel->sign(delivery->note.task, request, on_signed, delivery)
                     : send_request(delivery);
    }
    text_finish(&request->form);
    if (status != OPS_OK) {
        delivery_fail_text(delivery, status, "notify.request", "the message could not be made");
    }
}

/* ---- by e-mail ---- */

static void on_mail_done(void *user, ops_task task, const ops_mail_res *res, const ops_error *err)
{
    struct delivery *delivery = user;
    (void)task;
    if (err != NULL) {
        delivery_fail(delivery, err);
        return;
    }
    delivery_copy(delivery->id, sizeof delivery->id, res->message_id);
    delivery_succeed(delivery);
}

static void send_mail(struct delivery *delivery)
{
    struct email email = {0};
    const char *fault =
        email_build(&delivery->note, delivery->target.settings, delivery->mail_defaults, &email);
    ops_status status = fault != NULL ? OPS_E_CONFIG : OPS_OK;
    if (status == OPS_OK) {
        email.req.label = ops_text(delivery->target.name);
        email.req.on_done = on_mail_done;
        email.req.user = delivery;
        status = ops.mail->send(ops.h, delivery->note.task, &email.req, NULL);
    }
    email_finish(&email);
    if (status != OPS_OK) {
        delivery_fail_text(delivery, status, "notify.request",
                           fault != NULL ? fault : "the message could not be made");
    }
}

void transport_send(struct delivery *delivery)
{
    if (delivery->target.channel->send != NULL) {
        delivery->target.channel->send(delivery, ops_text(NULL));
    } else if (delivery->target.channel->build != NULL) {
        send_http(delivery);
    } else {
        send_mail(delivery);
    }
}
