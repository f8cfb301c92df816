/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_START_REQUEST_H
#define CORE_CLI_START_REQUEST_H

/*
 * Start request: a pipeline, its input and events, as the arguments of a command name them, and
 * the body of POST /api/v1/jobs that hands them to an engine: with the definition's bundle and the
 * values of the environment variables that it names.
 *
 * Used by:  cmd_run, cmd_start.
 * Uses:     workspace, run_input, run_events, value.
 * Threads:  [main]
 */

#include "core/base/digest.h"
#include "core/base/str.h"
#include "core/cli/run_events.h"
#include "core/cli/workspace.h"

struct command_args;
struct document;
struct pipeline;
struct tape;

/* The rows of command_option that start_request_prepare() reads, with those of workspace. */
#define START_OPTIONS                                                                              \
    {"set", 'i', "KEY=VALUE", "set one key of the input (may be repeated)", true},                 \
        {"input", 0, "FILE", "read the input from FILE, JSON or YAML ('-': stdin)", false},        \
    {                                                                                              \
        "send", 0, "EVENT[=JSON]", "send the run an event as it starts (may be repeated)", true    \
    }

struct start_request {
    struct workspace workspace;
    struct workspace_file file;
    struct run_events events;
    const struct pipeline *pipeline; /* of `file` */
    struct document *input;          /* checked, with its defaults */
    struct strbuf bundle;
    char digest[DIGEST_HEX_SIZE]; /* of the bundle */
    struct tape *tape;            /* of the loop; borrowed until the end; NULL: none */
    bool has_engine; /* another process is it, and has secrets of its own: they are not asked for */
    struct strbuf body;
};

/*
 * Loads the file of the first operand, checks the input, and loads the plugins. Returns EXIT_DONE,
 * or another enum exit_code after lines on stderr. Ends in every case with start_request_finish().
 */
int start_request_prepare(struct start_request *request, const struct command_args *args);

/* Makes `bundle` and `digest`. EXIT_DONE; EXIT_STATE after a line on stderr. */
int start_request_bundle(struct start_request *request);

/* After that: `body`, with the idempotency key `key` (empty: none). The same. */
int start_request_write(struct start_request *request, struct str key);

void start_request_finish(struct start_request *request);

#endif
