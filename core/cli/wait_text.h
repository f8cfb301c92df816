/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_WAIT_TEXT_H
#define CORE_CLI_WAIT_TEXT_H

/*
 * Wait text: what one node waits for, in words, from the JSON of the API (see `waits_for`).
 *
 * Used by:  status_text, live_waits.
 * Uses:     job_text.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct value;

/*
 * "the event 'approved', until 2027-01-15 08:01:00 UTC", "its next attempt, at ...",
 * "http https://a.example:443: circuit open until ...", "plugin http: 25 of 25 at work".
 */
void wait_text_append(const struct value *wait, struct strbuf *out);

#endif
