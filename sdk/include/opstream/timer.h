/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_TIMER_H
#define OPSTREAM_TIMER_H

/* ops.timer 1: waiting without a thread, the host's clocks, and time zones. */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_TIMER "ops.timer"

/* [strand] `status` is OPS_OK when the time is over, OPS_E_CANCELLED after abort() or a cancel. */
typedef void (*ops_timer_done)(void *user, ops_task task, ops_status status);

typedef struct ops_if_timer {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Calls `cb` exactly once, `ms` milliseconds from now, but not after the task has
     * ended. `user` is kept until then. `out` (may be NULL) names the timer for abort().
     * OPS_E_INTERNAL: no `cb`; OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*after)(void *h, ops_task task, uint64_t ms, ops_timer_done cb, void *user,
                        ops_op *out);
    /* [any-thread] Ends the wait early: `cb` still comes, with CANCELLED. */
    ops_status (*abort)(void *h, ops_op op);
    /* [any-thread] Nanoseconds since some fixed moment; never goes back. */
    uint64_t (*now_ns)(void *h);
    /* [any-thread] Milliseconds since 1970-01-01T00:00:00Z. */
    int64_t (*unix_ms)(void *h);
    /*
     * [any-thread, files] How many seconds the clocks of `zone` ("Europe/Berlin") are ahead of UTC
     * at that moment, below 0 behind. OPS_E_NOT_FOUND: this machine knows no such zone. The first
     * question about a zone reads a small file, which is kept: later ones are answered from memory.
     * A zone that is not known is looked for each time.
     */
    ops_status (*zone_offset)(void *h, ops_str zone, int64_t at_unix_ms, int32_t *out_seconds);
} ops_if_timer;

#ifdef __cplusplus
}
#endif
#endif
