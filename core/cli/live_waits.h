/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LIVE_WAITS_H
#define CORE_CLI_LIVE_WAITS_H

/*
 * Live waits: what nodes of a run that is shown wait for before they may start, as its engine has
 * told it last (see loop_append_waits()).
 *
 * Used by:  run_show, run_screen.
 * Uses:     wait_text, run_text.
 * Threads:  [loop]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/cli/run_text.h"

struct document;

struct live_waits {
    struct document *now;    /* owned; NULL: nothing was told */
    struct document *before; /* what was told before that, for what is new */
    uint32_t lines;
    int64_t least_ms; /* what is over sooner, or may be, has no line; 0: all have */
};

void live_waits_finish(struct live_waits *waits);

/* Takes what the engine says; what cannot be read changes nothing. */
void live_waits_take(struct live_waits *waits, struct str json);

/*
 * A line for each that was not there before, but for permits: these come back by themselves soon.
 * "waiting    fetch  http https://a.example:443: circuit open until ..."
 */
void live_waits_append_lines(struct live_waits *waits, struct run_text_style style,
                             struct strbuf *out);

/* How many there are, and one of those that are told by name as a row without its line end. */
uint64_t live_waits_count(const struct live_waits *waits);
size_t live_waits_shown(const struct live_waits *waits);
void live_waits_append_row(const struct live_waits *waits, size_t i, struct run_text_style style,
                           struct strbuf *out);

#endif
