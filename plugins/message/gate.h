/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_GATE_H
#define PLUGINS_MESSAGE_GATE_H

/*
 * Gate: whether a notification goes out now, is held back, or is one that was sent already. It
 * stands before sending:
 *
 *     gate_ask()  ->  on_asked: GATE_PASS: send, with gate->digest in it  ->  gate_confirm(),
 *                                          or gate_withdraw() when it is known that it did not go
 * out else complete the task: nothing was sent
 *
 * What is held back is kept by ops.kv, beside the runs, and is given to the message of the same
 * place that passes next, as one digest. Messages of severity "critical" pass always, take no
 * digest along and are not counted. What passed and may have gone out needs nothing: after five
 * minutes its place is free again; the same step passes when it tries again.
 *
 * The settings, of which each may be missing (see gate_read_rules()):
 *
 *     notifications:
 *       quiet_hours: "22:00-08:00"
 *       timezone: Europe/Berlin       # of the quiet hours; default UTC
 *       max_frequency: 1/hour         # per place
 *       digest: true                  # false: what is held back is dropped
 *
 * Used by:  plugins that write messages; their manifests require ops.kv and ops.timer.
 * Uses:     ledger.h, sdk.h.
 * Threads:  [strand]
 */

#include "message/ledger.h"
#include "opstream/sdk.h"

/* Made once, of the settings; texts are borrowed from them. */
struct gate_rules {
    struct ledger_rules ledger;
    ops_str timezone; /* not empty */
};

/* Reads the map `notifications`; 0 gives rules that let everything pass. Its fault, static, or
 * NULL. To be called in create(): a time zone that is not there is a fault, too. */
const char *gate_read_rules(ops_val notifications, struct gate_rules *out);

enum gate_verdict {
    GATE_PASS,
    GATE_HELD,     /* it is quiet, or enough was sent: gate->reason and until_ms */
    GATE_EMPTY,    /* of a digest: nothing is held back */
    GATE_REPEATED, /* within its window the same was sent already */
    GATE_FAILED,   /* ops.kv: gate->status */
};

enum gate_phase { GATE_ASKING, GATE_CONFIRMING, GATE_WITHDRAWING };

/* What is asked for; borrowed until the first of gate_ask()'s answers. */
struct gate_message {
    ops_str place;    /* with what kind it is in front: "slack #ops" */
    ops_str severity; /* "critical" passes */
    ops_str text;     /* plain; what the digest says of it */
    ops_str key;      /* the step's idempotency key */
    ops_str dedupe;   /* what is the same has the same; empty: nothing is */
    uint64_t dedupe_ms;
    int is_digest; /* what is held back is to go out, and nothing else */
    int is_forced; /* it passes, whatever the rules say */
};

struct gate;
typedef void (*gate_cb)(struct gate *gate, void *user);

/* In the task's memory, all zero but what is named; or in other memory that lives as long. */
struct gate {
    ops_task task;                  /* to be set */
    const struct gate_rules *rules; /* to be set */
    enum gate_verdict verdict;
    ops_status status;  /* of GATE_FAILED */
    const char *reason; /* of GATE_HELD: "quiet_hours" or "max_frequency" */
    int64_t until_ms;   /* of GATE_HELD: when it may pass */
    int is_kept;        /* of GATE_HELD: it is kept for the digest */
    int is_digest_left; /* to be set before gate_confirm(): there was no room for the digest */
    ops_str digest;     /* of GATE_PASS: what was held back, as plain lines; in the task's memory */
    /* The gate's own. */
    struct gate_message message;
    gate_cb done;
    void *user;
    uint32_t tries;
    enum gate_phase phase;
    uint64_t seen_version; /* of what was noted for `dedupe`; 0: nothing was */
    char key[OPS_KV_KEY_BYTES + 1];
};

/* Asks; `done` comes later, or at once. */
void gate_ask(struct gate *gate, const struct gate_message *message, gate_cb done, void *user);

/* After it went out: enters it as sent. `done` comes whether that could be noted or not. */
void gate_confirm(struct gate *gate, gate_cb done, void *user);

/* After it did not go out, for sure: the next that is asked for may, and what was held back still
 * is. `done` comes whether that could be noted or not. */
void gate_withdraw(struct gate *gate, gate_cb done, void *user);

#endif
