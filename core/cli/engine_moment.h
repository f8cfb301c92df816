/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ENGINE_MOMENT_H
#define CORE_CLI_ENGINE_MOMENT_H

/*
 * Engine moment: a request that changes something, when nobody owns the state folder: this process
 * is the engine just long enough to decide it, and starts no node. If work is left, an engine in
 * the background does it.
 *
 * Used by:  engine_request.
 * Uses:     state_owner, workspace, control.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct answer;
struct command_args;
struct error;
struct workspace;

struct engine_moment_request {
    struct str method;
    struct str path; /* decoded */
    struct str body;
    struct workspace *workspace; /* one that is open, and keeps nothing; NULL: one is opened */
    /* What the engine in the background was started with; owned afterwards. NULL: not wanted. */
    struct engine_launch *out_launch;
};

/* What it returns besides 0 and errors. */
enum engine_moment_result {
    ENGINE_MOMENT_BUSY = 1,  /* somebody has become the engine meanwhile */
    ENGINE_MOMENT_ALONE = 2, /* it is decided, and no engine goes on with it: that has been said */
};

/*
 * `*out_answer` is answer_finish()ed by the caller. Fails with E_IO, E_NOMEM; with an empty message
 * when lines on stderr have said it.
 */
int engine_moment_ask(const struct command_args *args, const struct engine_moment_request *request,
                      struct answer *out_answer, struct error *err);

#endif
