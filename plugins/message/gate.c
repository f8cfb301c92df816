/* SPDX-License-Identifier: Apache-2.0 */
#include "message/gate.h"

#include <stdlib.h>

#include "message/moment.h"

enum { MOST_TRIES = 100, SEEN_BYTES = 64 + LEDGER_KEY_BYTES };
#define DAY_MS  ((int64_t)24 * 3600 * 1000)
#define IDLE_MS ((uint64_t)2 * 24 * 3600 * 1000)

/* ---- Rules ---- */

const char *gate_read_rules(ops_val notifications, struct gate_rules *out)
{
    int32_t offset = 0;
    *out = (struct gate_rules){.timezone = ops_get_str(notifications, "timezone", "UTC")};
    out->ledger.has_digest = ops_get_bool(notifications, "digest", 1);
    const char *fault =
        ledger_read_quiet(ops_get_str(notifications, "quiet_hours", NULL), &out->ledger);
    if (fault == NULL) {
        fault =
            ledger_read_frequency(ops_get_str(notifications, "max_frequency", NULL), &out->ledger);
    }
    if (fault == NULL && ops.timer->zone_offset(ops.h, out->timezone, ops.timer->unix_ms(ops.h),
                                                &offset) != OPS_OK) {
        fault = "'timezone' is none that this machine knows: write one like \"Europe/Berlin\"";
    }
    return fault;
}

/* Milliseconds of the clocks there. */
static int64_t local_ms(const struct gate *gate, int64_t at_ms)
{
    int32_t offset = 0;
    (void)ops.timer->zone_offset(ops.h, gate->rules->timezone, at_ms, &offset); /* it is known */
    return at_ms + (int64_t)offset * 1000;
}

static int minute_of(const struct gate *gate, int64_t at_ms)
{
    int64_t in_day = local_ms(gate, at_ms) % DAY_MS;
    return (int)((in_day + DAY_MS) % DAY_MS / 60000);
}

/* ---- Keys and the end ---- */

static void finish(struct gate *gate, enum gate_verdict verdict)
{
    gate->verdict = gate->phase == GATE_ASKING ? verdict : gate->verdict;
    gate->done(gate, gate->user);
}

static void finish_failed(struct gate *gate, ops_status status)
{
    gate->status = status;
    finish(gate, GATE_FAILED);
}

static uint64_t add_to_hash(uint64_t hash, ops_str text)
{
    for (uint64_t i = 0; i < text.n; i++) { /* FNV-1a */
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3;
    }
    return hash;
}

/* What is too long for a key stands there as two hashes: cut, it would be that of others, too. */
static void set_key(struct gate *gate, const char *kind, ops_str last)
{
    ops_str place = gate->message.place;
    int n = snprintf(gate->key, sizeof gate->key, "%s/%.*s%s%.*s", kind, (int)place.n, place.p,
                     last.n > 0 ? "/" : "", (int)last.n, last.n > 0 ? last.p : "");
    if (n >= (int)sizeof gate->key) {
        uint64_t first = add_to_hash(add_to_hash(0xcbf29ce484222325, place), last);
        uint64_t second = add_to_hash(add_to_hash(~first, last), place);
        (void)snprintf(gate->key, sizeof gate->key, "%s/#%016llx%016llx", kind,
                       (unsigned long long)first, (unsigned long long)second);
    }
}

static void get(struct gate *gate, ops_kv_done done)
{
    ops_status status = ops_kv_get(gate->task, ops_text(gate->key), done, gate);
    if (status != OPS_OK) {
        finish_failed(gate, status);
    }
}

/* Over `version` only; 0: only where nothing stands. */
static void put(struct gate *gate, ops_str value, uint64_t version, uint64_t ttl_ms,
                ops_kv_done done)
{
    ops_kv_req req = {0};
    req.size = (uint32_t)sizeof req;
    req.flags = version > 0 ? OPS_KV_IF_VERSION : OPS_KV_IF_ABSENT;
    req.key = ops_text(gate->key);
    req.value = value;
    req.version = version;
    req.ttl_ms = ttl_ms;
    req.done = done;
    req.user = gate;
    ops_status status = ops.kv->put(ops.h, gate->task, &req, NULL);
    if (status != OPS_OK) {
        finish_failed(gate, status);
    }
}

/* ---- The ledger ---- */

struct digest {
    const struct gate *gate;
    struct text text;
};

/* "• 2026-11-22 23:10 error: the disk is full" */
static void add_line(void *user, const struct ledger_held *held)
{
    struct digest *digest = user;
    char moment[MOMENT_BYTES];
    moment_write_local(local_ms(digest->gate, held->at_ms), moment);
    text_append_literal(&digest->text, digest->text.n > 0 ? "\n\xE2\x80\xA2 " : "\xE2\x80\xA2 ");
    text_append_literal(&digest->text, moment);
    text_append_literal(&digest->text, " ");
    text_append_literal(&digest->text, held->severity);
    text_append_literal(&digest->text, held->severity[0] != '\0' ? ": " : "");
    text_append_literal(&digest->text, held->text);
}

/* 0: out of memory. */
static int keep_digest(struct gate *gate, const struct ledger *ledger)
{
    struct digest digest = {gate, {NULL, 0, 0, 0}};
    void *memory = NULL;
    size_t n = ledger_taken(ledger, gate->message.key, add_line, &digest);
    if (n > 0 && ledger->dropped > 0) {
        char more[64];
        (void)snprintf(more, sizeof more, "\n... and %llu more",
                       (unsigned long long)ledger->dropped);
        text_append_literal(&digest.text, more);
    }
    int is_kept = !digest.text.failed &&
                  (digest.text.n == 0 ||
                   ops.value->alloc(ops.h, gate->task, digest.text.n, &memory) == OPS_OK);
    if (is_kept && digest.text.n > 0) {
        memcpy(memory, digest.text.p, digest.text.n);
    }
    gate->digest = ops_slice(memory, is_kept ? digest.text.n : 0);
    text_finish(&digest.text);
    return is_kept;
}

static enum gate_verdict verdict_of(struct gate *gate, struct ledger *ledger)
{
    int64_t now_ms = ops.timer->unix_ms(ops.h);
    const struct ledger_message message = {.key = gate->message.key,
                                           .severity = gate->message.severity,
                                           .text = gate->message.text,
                                           .now_ms = now_ms,
                                           .minute = minute_of(gate, now_ms),
                                           .is_digest = gate->message.is_digest,
                                           .is_forced = gate->message.is_forced};
    enum ledger_verdict verdict =
        ledger_ask(ledger, &gate->rules->ledger, &message, &gate->until_ms);
    gate->reason = verdict == LEDGER_QUIET ? "quiet_hours" : "max_frequency";
    gate->is_kept = gate->rules->ledger.has_digest && !gate->message.is_digest;
    return verdict == LEDGER_PASS ? GATE_PASS : verdict == LEDGER_EMPTY ? GATE_EMPTY : GATE_HELD;
}

static void on_ledger(void *user, ops_task task, ops_status status, const ops_kv_entry *entry);
static void note_seen(struct gate *gate);

static void on_ledger_put(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct gate *gate = user;
    if (status == OPS_E_CONFLICT || status == OPS_E_NOT_FOUND) {
        gate->tries++;
        on_ledger(user, task, gate->tries < MOST_TRIES ? status : OPS_E_UNAVAILABLE, entry);
    } else if (status != OPS_OK) {
        finish_failed(gate, status);
    } else if (gate->verdict == GATE_HELD && gate->message.dedupe.n > 0) {
        note_seen(gate); /* the digest needs it once only */
    } else {
        finish(gate, gate->verdict);
    }
}

/* Changes what was read, and puts it back. */
static void change(struct gate *gate, struct ledger *ledger, uint64_t version)
{
    struct text bytes = {NULL, 0, 0, 0};
    int is_good = 1;
    if (gate->phase == GATE_CONFIRMING) {
        ledger_confirm(ledger, gate->message.key, !gate->is_digest_left);
    } else if (gate->phase == GATE_WITHDRAWING) {
        ledger_withdraw(ledger, gate->message.key);
    } else {
        gate->verdict = verdict_of(gate, ledger);
        is_good = gate->verdict != GATE_PASS || keep_digest(gate, ledger);
    }
    if (gate->verdict == GATE_EMPTY) {
        finish(gate, GATE_EMPTY);
        return;
    }
    ledger_write(ledger, &bytes);
    if (!is_good || bytes.failed) {
        finish_failed(gate, OPS_E_RESOURCE);
    } else {
        put(gate, text_str(&bytes), version, ledger->n_held == 0 ? IDLE_MS : 0, on_ledger_put);
    }
    text_finish(&bytes);
}

static void on_ledger(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct gate *gate = user;
    (void)task;
    if (status != OPS_OK && status != OPS_E_NOT_FOUND && status != OPS_E_CONFLICT) {
        finish_failed(gate, status);
        return;
    }
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        finish_failed(gate, OPS_E_RESOURCE);
        return;
    }
    if (entry != NULL && !ledger_read(entry->value, ledger)) {
        ops_log_text(gate->task, OPS_LOG_WARN, "what was held back cannot be read, and is dropped");
        memset(ledger, 0, sizeof *ledger);
    }
    change(gate, ledger, entry != NULL ? entry->version : 0);
    free(ledger);
}

static int is_counted(const struct gate *gate)
{
    const struct ledger_rules *rules = &gate->rules->ledger;
    int is_critical = ops_equal(gate->message.severity, "critical") && !gate->message.is_digest;
    return gate->message.is_digest || (!is_critical && (rules->is_quiet || rules->most > 0));
}

static void ask_ledger(struct gate *gate)
{
    if (!is_counted(gate)) {
        finish(gate, GATE_PASS);
        return;
    }
    gate->tries = 0;
    set_key(gate, "ledger", ops_text(NULL));
    get(gate, on_ledger);
}

/* ---- What was seen: "begun KEY" or "sent KEY", and when ---- */

static void on_seen(void *user, ops_task task, ops_status status, const ops_kv_entry *entry);

static void on_seen_put(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct gate *gate = user;
    if (status == OPS_OK) {
        gate->seen_version = entry->version;
        ask_ledger(gate);
    } else if (status == OPS_E_CONFLICT || status == OPS_E_NOT_FOUND) {
        gate->tries++;
        on_seen(user, task, gate->tries < MOST_TRIES ? status : OPS_E_UNAVAILABLE, entry);
    } else {
        finish_failed(gate, status);
    }
}

static int write_seen(const struct gate *gate, const char *word, char *out)
{
    return snprintf(out, SEEN_BYTES, "%s %lld %.*s", word, (long long)ops.timer->unix_ms(ops.h),
                    (int)gate->message.key.n, gate->message.key.p);
}

/* Whether the entry stops others: it went out, or began to of late, for another step. */
static int is_seen(const struct gate *gate, ops_str value)
{
    char text[SEEN_BYTES];
    char word[8] = "";
    long long at = 0;
    int key = 0;
    (void)snprintf(text, sizeof text, "%.*s", (int)value.n, value.p);
    if (sscanf(text, "%7s %lld %n", word, &at, &key) < 2 ||
        ops_equal(gate->message.key, text + key)) {
        return 0;
    }
    return strcmp(word, "begun") != 0 || ops.timer->unix_ms(ops.h) - at < LEDGER_BEGUN_MS;
}

static void on_seen(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct gate *gate = user;
    char value[SEEN_BYTES];
    (void)task;
    if (status != OPS_OK && status != OPS_E_NOT_FOUND && status != OPS_E_CONFLICT) {
        finish_failed(gate, status);
    } else if (entry != NULL && is_seen(gate, entry->value)) {
        finish(gate, GATE_REPEATED);
    } else {
        (void)write_seen(gate, "begun", value);
        put(gate, ops_text(value), entry != NULL ? entry->version : 0, gate->message.dedupe_ms,
            on_seen_put);
    }
}

void gate_ask(struct gate *gate, const struct gate_message *message, gate_cb done, void *user)
{
    gate->message = *message;
    gate->done = done;
    gate->user = user;
    gate->tries = 0;
    gate->phase = GATE_ASKING;
    if (message->dedupe.n == 0) {
        ask_ledger(gate);
        return;
    }
    set_key(gate, "seen", message->dedupe);
    get(gate, on_seen);
}

/* ---- After it went out ---- */

static void on_noted(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct gate *gate = user;
    (void)task;
    (void)status; /* at worst the same goes out once more */
    (void)entry;
    if (gate->phase == GATE_CONFIRMING) {
        ask_ledger(gate);
    } else {
        finish(gate, gate->verdict);
    }
}

static void note_seen(struct gate *gate)
{
    char value[SEEN_BYTES];
    ops_kv_req req = {0};
    set_key(gate, "seen", gate->message.dedupe);
    (void)write_seen(gate, "sent", value);
    req.size = (uint32_t)sizeof req;
    req.key = ops_text(gate->key);
    req.value = ops_text(value);
    req.ttl_ms = gate->message.dedupe_ms;
    req.done = on_noted;
    req.user = gate;
    ops_status status = ops.kv->put(ops.h, gate->task, &req, NULL);
    if (status != OPS_OK) {
        on_noted(gate, gate->task, status, NULL);
    }
}

void gate_confirm(struct gate *gate, gate_cb done, void *user)
{
    gate->done = done;
    gate->user = user;
    gate->phase = GATE_CONFIRMING;
    if (gate->message.dedupe.n > 0) {
        note_seen(gate);
    } else {
        ask_ledger(gate);
    }
}

/* ---- After it did not ---- */

static void on_seen_removed(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    (void)task;
    (void)status; /* at worst others wait for five minutes */
    (void)entry;
    ask_ledger(user);
}

void gate_withdraw(struct gate *gate, gate_cb done, void *user)
{
    ops_kv_req req = {0};
    gate->done = done;
    gate->user = user;
    gate->phase = GATE_WITHDRAWING;
    if (gate->seen_version == 0) {
        ask_ledger(gate);
        return;
    }
    set_key(gate, "seen", gate->message.dedupe);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_KV_IF_VERSION;
    req.key = ops_text(gate->key);
    req.version = gate->seen_version;
    req.done = on_seen_removed;
    req.user = gate;
    if (ops.kv->remove(ops.h, gate->task, &req, NULL) != OPS_OK) {
        ask_ledger(gate);
    }
}
