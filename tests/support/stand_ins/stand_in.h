/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_STAND_INS_STAND_IN_H
#define TESTS_SUPPORT_STAND_INS_STAND_IN_H

/*
 * Stand-in: what all plugins of this folder do. They play services that tests cannot reach:
 * everything that comes back follows from the config alone.
 *
 * Each call writes one line, "call CONFIG", into the log of its node. A text in the config that
 * holds "FAIL" makes the call fail with UPSTREAM, `fail: N` the first N attempts with UNAVAILABLE;
 * `takes_ms: N` lets it take that long.
 *
 * Used by:  the plugins of this folder.
 * Uses:     opstream/sdk.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* Ends the task, or lets it go on: the call was neither to fail nor has it been cancelled. */
typedef void (*stand_in_answer_fn)(ops_task task, ops_val config);

/* What an execute() does for a call that `answer` ends. */
void stand_in_call(ops_task task, ops_val config, stand_in_answer_fn answer);

/* That execute(), called `name`. */
#define STAND_IN_EXECUTE(name, answer)                                                             \
    static void name(ops_node *node, ops_task task, ops_val config)                                \
    {                                                                                              \
        (void)node;                                                                                \
        stand_in_call(task, config, answer);                                                       \
    }

/* Adds the members of `config` but those that steer the stand-in; keys live as long as it. */
void stand_in_echo(struct ops_map *out, ops_val config);

/* An answer of nothing but the echo. */
void stand_in_answer_echo(ops_task task, ops_val config);

/* Adds "PREFIXhhhhhhhh": the same for the same config, whatever it is. */
void stand_in_add_name(struct ops_map *out, const char *key, const char *prefix, ops_val config);

#endif
