/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery.h"

#include <stdio.h>

#include "transport.h"

#define KEPT_MS (30ull * 24 * 3600 * 1000)

enum { KEY_BYTES = 512 };

enum { BEGUN_BYTES = 48 };

/* ---- the end ---- */

static void end(struct delivery *delivery, enum delivery_state state)
{
    delivery->state = state;
    delivery->on_over(delivery);
}

void delivery_copy(char *to, size_t size, ops_str from)
{
    struct text line = {0};
    text_append_line(&line, from, size - 4); /* "..." may follow */
    (void)snprintf(to, size, "%.*s", (int)line.n, line.p != NULL ? line.p : "");
    text_finish(&line);
}

/* ---- what is noted: under the step's key and the target's name ---- */

static ops_str noted_key(const struct delivery *delivery, char out[KEY_BYTES])
{
    ops_str key = delivery->note.key;
    int n = snprintf(out, KEY_BYTES, "sent/%.*s/%s", (int)key.n, key.p, delivery->target.name);
    return ops_slice(out, n < KEY_BYTES ? (uint64_t)n : KEY_BYTES - 1);
}

void delivery_note(struct delivery *delivery, const char *what, ops_kv_done done, void *user)
{
    char key[KEY_BYTES];
    const ops_kv_req req = {.size = (uint32_t)sizeof req,
                            .key = noted_key(delivery, key),
                            .value = ops_text(what),
                            .ttl_ms = KEPT_MS,
                            .done = done,
                            .user = user};
    ops_status status = ops.kv->put(ops.h, delivery->note.task, &req, NULL);
    if (status != OPS_OK) {
        done(user, delivery->note.task, status, NULL);
    }
}

/* ---- it got through ---- */

static void on_confirmed(struct gate *gate, void *user)
{
    struct delivery *delivery = user;
    (void)gate;
    end(delivery, delivery->state);
}

static void succeed(struct delivery *delivery, enum delivery_state state)
{
    delivery->state = state;
    if (delivery->place[0] != '\0') {
        gate_confirm(&delivery->gate, on_confirmed, delivery);
    } else {
        end(delivery, state);
    }
}

static void on_kept(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    (void)entry;
    if (status != OPS_OK) {
        ops_log_text(task, OPS_LOG_WARN,
                     "that the message was sent could not be kept: a repeated attempt would send "
                     "it again");
    }
    succeed(user, DELIVERY_SENT);
}

void delivery_succeed(struct delivery *delivery)
{
    delivery_note(delivery, delivery->id, on_kept, delivery);
}

/* ---- it did not ---- */

static void on_withdrawn(struct gate *gate, void *user)
{
    (void)gate;
    end(user, DELIVERY_FAILED);
}

static void on_unnoted(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct delivery *delivery = user;
    (void)task;
    (void)status; /* at worst the next attempt does not dare to send it */
    (void)entry;
    if (delivery->has_passed) {
        gate_withdraw(&delivery->gate, on_withdrawn, delivery);
    } else {
        end(delivery, DELIVERY_FAILED);
    }
}

/* Nobody has got it, for sure: all is as if it had not been tried. */
static void take_back(struct delivery *delivery)
{
    char key[KEY_BYTES];
    const ops_kv_req req = {.size = (uint32_t)sizeof req,
                            .key = noted_key(delivery, key),
                            .done = on_unnoted,
                            .user = delivery};
    if (!delivery->is_noted || ops.kv->remove(ops.h, delivery->note.task, &req, NULL) != OPS_OK) {
        on_unnoted(delivery, delivery->note.task, OPS_OK, NULL);
    }
}

static int is_blind(const struct delivery *delivery)
{
    return delivery->target.channel->is_blind && !delivery->note.is_repeatable;
}

/* It may be there, and nothing can tell: people can. */
static void make_unknown(struct delivery *delivery, const char *how, ops_str cause,
                         const char *hint)
{
    struct text message = {0};
    text_append_literal(&message, "whether ");
    text_append_literal(&message, delivery->target.channel->word);
    text_append_literal(&message, " has got the message is not known, and it ");
    text_append_literal(&message, how);
    text_append_literal(&message, ": ");
    text_append_str(&message, cause);
    delivery_copy(delivery->message, sizeof delivery->message, text_str(&message));
    delivery_copy(delivery->symbol, sizeof delivery->symbol, ops_text("notify.unknown"));
    delivery_copy(delivery->hint, sizeof delivery->hint, ops_text(hint));
    text_finish(&message);
    delivery->code = OPS_E_UPSTREAM;
    delivery->effect = OPS_EFFECT_MAYBE;
    delivery->retry = OPS_RETRY_NO;
    delivery->retry_after_ms = 0;
}

void delivery_fail_unknown(struct delivery *delivery, const char *how, ops_str cause,
                           const char *hint)
{
    make_unknown(delivery, how, cause, hint);
    end(delivery, DELIVERY_FAILED);
}

void delivery_fail(struct delivery *delivery, const ops_error *err)
{
    delivery->code = err->code;
    delivery->effect = err->effect;
    delivery->retry = err->retry;
    delivery->retry_after_ms = err->retry_after_ms;
    delivery->upstream_status = err->upstream_status;
    if (err->effect == OPS_EFFECT_MAYBE && is_blind(delivery)) {
        make_unknown(
            delivery, "can neither be asked nor see that one comes twice", err->message,
            "look there; with 'when_unknown: repeat' it is sent again, and may come twice");
    } else {
        delivery_copy(delivery->symbol, sizeof delivery->symbol, err->symbol);
        delivery_copy(delivery->message, sizeof delivery->message, err->message);
        delivery_copy(delivery->hint, sizeof delivery->hint, err->hint);
    }
    if (delivery->effect == OPS_EFFECT_NONE) {
        take_back(delivery);
    } else {
        end(delivery, DELIVERY_FAILED);
    }
}

void delivery_fail_text(struct delivery *delivery, ops_status code, const char *symbol,
                        const char *message)
{
    ops_error err = ops_error_make(code, message);
    err.symbol = ops_text(symbol);
    delivery_fail(delivery, &err);
}

/* ---- it goes out ---- */

static void on_begun(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct delivery *delivery = user;
    (void)task;
    (void)entry;
    if (status != OPS_OK) {
        delivery_fail_text(delivery, status, "notify.state",
                           "that the message is sent cannot be kept in the state, so it is not");
        return;
    }
    delivery->is_noted = 1;
    transport_send(delivery);
}

static void send_out(struct delivery *delivery)
{
    if (delivery->target.channel->send != NULL || is_blind(delivery)) {
        char begun[BEGUN_BYTES];
        (void)snprintf(begun, sizeof begun, "begun %lld",
                       (long long)(ops.timer->unix_ms(ops.h) / 1000));
        delivery_note(delivery, begun, on_begun, delivery);
    } else {
        transport_send(delivery);
    }
}

/* ---- whether it may ---- */

static void on_asked(struct gate *gate, void *user)
{
    struct delivery *delivery = user;
    switch (gate->verdict) {
    case GATE_PASS:
        delivery->has_passed = 1;
        delivery->note.digest = gate->digest;
        send_out(delivery);
        break;
    case GATE_HELD:
        end(delivery, DELIVERY_HELD);
        break;
    case GATE_EMPTY:
        end(delivery, DELIVERY_EMPTY);
        break;
    case GATE_REPEATED:
        end(delivery, DELIVERY_REPEATED);
        break;
    case GATE_FAILED:
        delivery_fail_text(delivery, gate->status, "notify.state",
                           "what was sent of late cannot be read from the state, or kept there");
        break;
    }
}

void delivery_ask(struct delivery *delivery)
{
    struct gate_message message = delivery->gate.message;
    if (delivery->place[0] != '\0') {
        gate_ask(&delivery->gate, &message, on_asked, delivery);
    } else {
        send_out(delivery);
    }
}

static struct gate_message message_of(const struct delivery *delivery)
{
    const struct note *note = &delivery->note;
    return (struct gate_message){.place = ops_text(delivery->place),
                                 .severity = ops_text(note_severity_name(note->severity)),
                                 .text = ops_text(note->summary),
                                 .key = note->key,
                                 .dedupe = note->dedupe,
                                 .dedupe_ms = note->dedupe_ms,
                                 .is_digest = note->is_digest,
                                 .is_forced = note->is_now};
}

/* Where neither rules nor the message ask for what was sent before, nothing is kept. */
static ops_status prepare_gate(struct delivery *delivery)
{
    const struct note *note = &delivery->note;
    struct gate *gate = &delivery->gate;
    gate->task = note->task;
    gate->rules = delivery->rules;
    if (delivery->target.notifications != 0) {
        const char *fault = gate_read_rules(delivery->target.notifications, &delivery->own_rules);
        gate->rules = &delivery->own_rules;
        if (fault != NULL) {
            delivery_fail_text(delivery, OPS_E_CONFIG, "notify.notifications", fault);
            return OPS_E_CONFIG;
        }
    }
    const struct ledger_rules *rules = &gate->rules->ledger;
    int is_needed = note->is_digest || note->dedupe.n > 0 || rules->is_quiet || rules->most > 0;
    ops_status status =
        is_needed ? target_name_place(&delivery->target, note->task, delivery->place) : OPS_OK;
    if (status != OPS_OK) {
        delivery->place[0] = '\0';
        delivery_fail_text(delivery, status, "notify.target",
                           "the target's address cannot be told from others");
    }
    gate->message = message_of(delivery);
    return status;
}

/* ---- the beginning ---- */

static int begins(ops_str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

/* An earlier attempt does not know what became of it. */
static void go_on(struct delivery *delivery, ops_str noted)
{
    if (delivery->target.channel->send != NULL) {
        delivery->target.channel->send(delivery, noted);
    } else if (is_blind(delivery)) {
        ops_error err = ops_error_make(OPS_E_UPSTREAM, "an earlier attempt got no answer");
        err.effect = OPS_EFFECT_MAYBE;
        delivery_fail(delivery, &err);
    } else {
        delivery_ask(delivery);
    }
}

static void on_known(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct delivery *delivery = user;
    (void)task;
    if (status == OPS_E_NOT_FOUND) {
        delivery_ask(delivery);
    } else if (status != OPS_OK) {
        delivery_fail_text(delivery, status, "notify.state",
                           "whether an earlier attempt got through cannot be read from the state");
    } else if (begins(entry->value, "begun ") || begins(entry->value, "posted ")) {
        go_on(delivery, entry->value);
    } else {
        delivery_copy(delivery->id, sizeof delivery->id, entry->value);
        succeed(delivery, DELIVERY_SENT_BEFORE);
    }
}

void delivery_start(struct delivery *delivery)
{
    char key[KEY_BYTES];
    if (prepare_gate(delivery) != OPS_OK) {
        return;
    }
    if (delivery->note.attempt <= 1) {
        delivery_ask(delivery);
        return;
    }
    ops_status status =
        ops_kv_get(delivery->note.task, noted_key(delivery, key), on_known, delivery);
    if (status != OPS_OK) {
        on_known(delivery, delivery->note.task, status, NULL);
    }
}
