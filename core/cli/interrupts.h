/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_INTERRUPTS_H
#define CORE_CLI_INTERRUPTS_H

/*
 * Interrupts: how often somebody has asked a command to end. timeout(1) and other programs hand the
 * terminal's Ctrl-C on to their child, which the terminal has told itself: the same signal twice in
 * no time is one.
 *
 * Used by:  cmd_run, run_watch.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct interrupts {
    bool ignores_hangup; /* nohup(1), and who else has asked for it */
    unsigned count;
    int last_signal;
    int64_t last_ns;
};

/* Before signals are watched: what was ignored until now stays so. */
void interrupts_init(struct interrupts *interrupts);

/* Which one this signal is, from 1; 0: it is the echo of the one before, or ignored. */
unsigned interrupts_take(struct interrupts *interrupts, int signal_number);

#endif
