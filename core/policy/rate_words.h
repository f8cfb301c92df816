/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_RATE_WORDS_H
#define CORE_POLICY_RATE_WORDS_H

/*
 * Rate words: what the headers of an answer say of the limits of its service.
 *
 *   Retry-After                      with 429, or 403: no call before
 *   X-RateLimit-Remaining, -Reset    as GitHub and others say it; the reset is a time (seconds or
 *                                    milliseconds since 1970), or seconds from now on, or a date
 *   RateLimit-Remaining, -Reset      the same in an earlier draft of the IETF
 *   RateLimit                        in the later ones: "default";r=50;t=30, or
 *                                    limit=100, remaining=50, reset=30
 *
 * Used by:  loop.
 * Uses:     retry_after.
 * Threads:  [any]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

/* Headers that are read, in lower case, by enum rate_word. */
enum rate_word {
    RATE_WORD_RETRY_AFTER,
    RATE_WORD_X_REMAINING,
    RATE_WORD_X_RESET,
    RATE_WORD_X_RESOURCE, /* GitHub: which of its limits */
    RATE_WORD_X_BUCKET,   /* Discord: the same */
    RATE_WORD_REMAINING,
    RATE_WORD_RESET,
    RATE_WORD_LIMITS,
    RATE_WORDS,
};
extern const char *const rate_word_names[RATE_WORDS];

enum { RATE_RESOURCE_MOST = 32 };

struct rate_said {
    int64_t frozen_until; /* it wants no call before, unix ms; 0: it does not say so */
    bool has_remaining;
    uint32_t remaining;
    int64_t reset_at;    /* until then, unix ms; 0: it does not say until when */
    struct str resource; /* it is said of these calls alone; borrowed from a word; empty: of all */
};

/*
 * What `words` (borrowed; empty ones were not sent) of an answer with `status` say at `now`, unix
 * ms. What cannot be read, or is over, is as if it were not sent; no time is later than
 * RETRY_AFTER_MAX_MS from now on. What a good answer says of one of several limits that has no
 * name of up to RATE_RESOURCE_MOST plain letters binds nobody: which one another call falls under
 * is not known.
 */
struct rate_said rate_words_read(const struct str words[RATE_WORDS], int32_t status, int64_t now);

#endif
