/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_ALERTS_H
#define CORE_LOOP_ALERTS_H

/*
 * Alerts: runs of pipelines with `monitoring.alert_thresholds` are counted as they end, and what
 * crosses a threshold is a line in the log, an event for who listens, a number, and a run of the
 * pipeline that `on_alert` names. What was counted lives as long as the process.
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     policy (alert), model, log.
 * Threads:  [loop]
 */

#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_run;
struct watched;

/*
 * So many pipelines are watched. One more takes the place of that whose last run ended longest
 * ago, of those that keep their thresholds if there are any; what was counted of it is forgotten.
 */
enum { ALERTS_MOST = 256 };

struct alerts {
    struct watched *all[ALERTS_MOST];
    size_t count;
};

void alerts_finish(struct alerts *alerts);

/* The end of the run is durable. */
void alerts_note_end(struct loop_run *run);

/* Thresholds that are crossed now, by kind; time may have ended some. */
void alerts_count_active(const struct loop *loop, uint64_t out_counts[]);

#endif
