/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_LEDGER_H
#define PLUGINS_MESSAGE_LEDGER_H

/*
 * Ledger: what was sent to one place (a channel, an address) of late and what is held back for it,
 * and whether one more message may go there now. Pure: times are given, and it is read from and
 * written to bytes that gate.h keeps.
 *
 * A message that may pass is entered as begun, with all that was held back until then: it goes out
 * in one message. Only when that has gone out is it entered as sent, and what it took is gone. What
 * has begun and is not entered as sent within LEDGER_BEGUN_MS counts as not sent: its place is free
 * again, and what it took is held back as before. The same key may always go on with what it began.
 *
 * Used by:  gate.
 * Uses:     text.h of service.
 * Threads:  [any-thread]
 */

#include "service/text.h"

enum {
    LEDGER_SENT = 256,       /* so many in one period can be told apart */
    LEDGER_HELD = 200,       /* so many are kept; of more only their number */
    LEDGER_TEXT_BYTES = 300, /* of each that is held back */
    LEDGER_KEY_BYTES = 128,
    LEDGER_SEVERITY_BYTES = 16,
};
#define LEDGER_BEGUN_MS ((int64_t)5 * 60 * 1000)

/* What may be sent when; all zero: everything at once. */
struct ledger_rules {
    int is_quiet; /* there are quiet hours: from..until, minutes of the day; over midnight too */
    int quiet_from;
    int quiet_until;
    uint32_t most; /* so many messages in any `per_ms`; 0: no limit */
    int64_t per_ms;
    int has_digest; /* what is held back is kept, and goes out with what passes next */
};

/*
 * Reads "22:00-08:00" and "1/hour" (N/second, minute, hour, day); empty ones give no such rule.
 * NULL, or a static text that says what is wrong.
 */
const char *ledger_read_quiet(ops_str hours, struct ledger_rules *rules);
const char *ledger_read_frequency(ops_str frequency, struct ledger_rules *rules);

struct ledger_sent {
    int64_t at_ms;
    uint64_t upto; /* of those held back it has taken the ones below */
    int is_begun;  /* and not known to have gone out */
    char key[LEDGER_KEY_BYTES];
};

struct ledger_held {
    int64_t at_ms;
    uint64_t number;
    char key[LEDGER_KEY_BYTES];
    char severity[LEDGER_SEVERITY_BYTES];
    char text[LEDGER_TEXT_BYTES + 4];
};

struct ledger {
    struct ledger_sent sent[LEDGER_SENT];
    size_t n_sent;
    struct ledger_held held[LEDGER_HELD];
    size_t n_held;
    uint64_t next;    /* the number of the next that is held back */
    uint64_t dropped; /* so many more were held back than are kept */
};

/* Reads what ledger_write() wrote; nothing for no bytes. 0: they are none of its. */
int ledger_read(ops_str bytes, struct ledger *out);
void ledger_write(const struct ledger *ledger, struct text *out);

enum ledger_verdict {
    LEDGER_PASS,
    LEDGER_QUIET,    /* held back: it is a quiet hour */
    LEDGER_FREQUENT, /* held back: enough was sent of late */
    LEDGER_EMPTY,    /* of a digest: nothing is held back */
};

/* What is asked for. */
struct ledger_message {
    ops_str key;      /* the step's; at most LEDGER_KEY_BYTES - 1 */
    ops_str severity; /* for the digest */
    ops_str text;     /* likewise: plain, one line is taken of it */
    int64_t now_ms;
    int minute;    /* of the day, where the quiet hours are meant */
    int is_digest; /* nothing of its own is to go out, only what is held back */
    int is_forced; /* it passes, whatever the rules say */
};

/*
 * Whether it may go out now, and enters what comes of it. `*out_until_ms`, of what is held back:
 * when it may. A message that is entered already is not entered twice.
 */
enum ledger_verdict ledger_ask(struct ledger *ledger, const struct ledger_rules *rules,
                               const struct ledger_message *message, int64_t *out_until_ms);

/* What `key` has begun and is to go out with it: calls `each`, oldest first. Returns how many. */
size_t ledger_taken(const struct ledger *ledger, ops_str key,
                    void (*each)(void *user, const struct ledger_held *held), void *user);

/* Enters as sent what `key` has begun. What it took is gone if it went along, else held back. */
void ledger_confirm(struct ledger *ledger, ops_str key, int went_along);

/* `key` has not sent what it began: its place is free, and what it took is held back as before. */
void ledger_withdraw(struct ledger *ledger, ops_str key);

#endif
