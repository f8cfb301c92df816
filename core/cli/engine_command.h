/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ENGINE_COMMAND_H
#define CORE_CLI_ENGINE_COMMAND_H

/*
 * Engine command: what the commands share that ask for runs: the frame around a session, by --state
 * (see STATE_OPTION of state_owner.h), and how refusals are told.
 *
 * Used by:  cmd_*.
 * Uses:     command, engine_request.
 * Threads:  [main]
 */

#include "core/cli/command.h"

struct document;
struct engine_session;

/* Opens a session, lets `work` do the command, closes it. Returns an enum exit_code. */
typedef int (*engine_command_cb)(struct engine_session *session, const struct command_args *args);
int engine_command_run(const struct command_args *args, engine_command_cb work);

/*
 * GET of `path` with `query`. EXIT_DONE with a document (owned: document_unref()); or EXIT_USAGE
 * (no such run, several, a bad value), EXIT_STATE, after lines on stderr that say why.
 */
int engine_command_get(struct engine_session *session, struct str path, struct str query,
                       struct document **out_document);

/* The same of "/api/v1/jobs/ID" and `below` ("/logs"; "" for the run itself). */
int engine_command_get_job(struct engine_session *session, const char *id, const char *below,
                           struct str query, struct document **out_document);

/* POST of `body`, a new run; as engine_command_get(), and EXIT_INVALID. */
int engine_command_start(struct engine_session *session, struct str body,
                         struct document **out_document);

/* POST of `body` (JSON) to `path`, as engine_command_get(). */
int engine_command_post(struct engine_session *session, struct str path, struct str body,
                        struct document **out_document);

/* POST of `body` (JSON; may be empty), as engine_command_get_job(). */
int engine_command_post_job(struct engine_session *session, const char *id, const char *below,
                            struct str body, struct document **out_document);

/* The same of a dead letter, "/api/v1/dlq/ID". */
int engine_command_get_letter(struct engine_session *session, const char *id,
                              struct document **out_document);
int engine_command_post_letter(struct engine_session *session, const char *id, const char *below,
                               struct str body, struct document **out_document);

/* Prints `document` as one JSON document. EXIT_DONE or EXIT_STATE. */
int engine_command_print_json(const struct document *document);

/* Prints what `text` has; EXIT_STATE when it was cut for lack of memory. Ends the buffer. */
int engine_command_print(struct strbuf *text);

#endif
