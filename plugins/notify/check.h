/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_CHECK_H
#define PLUGINS_NOTIFY_CHECK_H

/*
 * Check: asks the named targets whether they are there, those that have something to ask which
 * shows nobody anything (struct channel's ask): all at the same time. Where there is none of them,
 * the check is not supported.
 *
 * Used by:  notify.
 * Uses:     target.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* Ends the task, now or later. `targets` is the map of the settings. */
void check_targets(ops_val targets, ops_task task);

#endif
