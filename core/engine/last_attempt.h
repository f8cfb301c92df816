/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_LAST_ATTEMPT_H
#define CORE_ENGINE_LAST_ATTEMPT_H

/*
 * Last attempt: why a failed one is not followed by another, though `retry` asks for it, as one
 * sentence for people. The failure keeps it, so that it is shown wherever the failure is.
 *
 * Used by:  attempts; cli (the key).
 * Uses:     policy/retry.h, model.
 * Threads:  [any]; pure.
 */

#include <stdbool.h>

#include "core/policy/retry.h"

struct document;
struct node;
struct strbuf;

/* Of a failure: the sentence. Absent where another attempt was not asked for, or has begun. */
#define LAST_ATTEMPT_KEY "not_retried"

struct last_attempt {
    const struct node *node; /* all borrowed */
    const struct document *document;
    const struct retry_failure *failure; /* what the document says */
    enum retry_end end;                  /* RETRY_END_NONE: its deadline came while it waited */
    bool is_stopping;                    /* nothing begins any more in its body */
};

/* "all 3 attempts are spent", "status 404 does not pass by itself; ...": no period at the end. */
void last_attempt_append(const struct last_attempt *last, struct strbuf *out);

#endif
