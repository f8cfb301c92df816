/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TROUBLE_H
#define CORE_LOOP_TROUBLE_H

/*
 * Trouble: nothing becomes durable at the moment, most often because the disk is full. It is said
 * in the log when it begins, every ten minutes while it lasts, and when it is over. Whoever does
 * not wait for its end gives up what is not durable: it was acknowledged to nobody.
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     journal, log, libuv.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;

struct trouble {
    struct loop *loop;
    uv_timer_t again;
    const char *why;       /* NULL: all is well */
    int64_t said_at_ms;    /* monotonic; 0: not yet */
    bool is_said;          /* so its end is said, too */
    bool is_given_up;      /* nobody waits for its end */
    uint64_t records_lost; /* by that */
};

void trouble_init(struct trouble *trouble, struct loop *loop);
/* Closes the handle; it is closed at the next turn of the loop. */
void trouble_finish(struct trouble *trouble);

/* After each word of the journal. */
void trouble_look(struct trouble *trouble);

/* From here on what has no room is lost. */
void trouble_give_up(struct trouble *trouble);

/* Says how much was lost, if anything was. */
void trouble_say_lost(const struct trouble *trouble);

#endif
