/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ENGINE_REQUEST_H
#define CORE_CLI_ENGINE_REQUEST_H

/*
 * Engine request: one question to whoever keeps the runs of a state folder, and its answer, as the
 * routes of core/api give it. Commands do not know who answers: when nobody owns the folder, its
 * file is opened here and now.
 *
 * Used by:  cmd_*.
 * Uses:     api, loop (state folder), value.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct command_args;
struct document;
struct engine_launch;
struct engine_session;
struct error;
struct workspace;

/*
 * Opens the way to the state of `option` (--state; may be NULL), see state_folder_locate(). A
 * folder without state is fine: it has no runs. `*out_session` is owned: engine_session_close().
 * Fails as state_folder_open() and journal_reader_open(), but not with E_NOT_FOUND for these.
 */
int engine_session_open(const char *option, struct engine_session **out_session, struct error *err);

/*
 * For requests that change something: the command's arguments, and its workspace if it has one
 * open (NULL: it has not). Both are kept.
 */
void engine_session_use(struct engine_session *session, const struct command_args *args,
                        struct workspace *workspace);

/*
 * When a request leaves an engine behind, `launch` (kept) gets what it was started with, which then
 * is the caller's to finish.
 */
void engine_session_keep_launch(struct engine_session *session, struct engine_launch *launch);

/* NULL is fine. */
void engine_session_close(struct engine_session *session);

/* Whether anything may happen while one waits: an engine is at work. */
bool engine_session_is_live(const struct engine_session *session);

/* Where that engine listens; borrowed. NULL: there is none. */
const char *engine_session_socket(const struct engine_session *session);

/* Whether a change is kept that no engine goes on with; a line on stderr has said so. */
bool engine_session_is_alone(const struct engine_session *session);

/* The state folder, for messages. Borrowed. */
const char *engine_session_folder(const struct engine_session *session);

/* Everything is borrowed for the call. */
struct engine_request {
    const char *method; /* NULL: GET */
    struct str path;    /* percent-encoded where needed: see query_append_escaped() */
    struct str query;   /* without "?": see query_append() */
    struct str body;    /* JSON; empty: none */
};

/* End it with engine_reply_finish(). */
struct engine_reply {
    int status;                /* of HTTP */
    struct document *document; /* owned; NULL: the answer is no JSON */
    struct strbuf text;        /* then it is here */
};

#define ENGINE_REPLY_INIT ((struct engine_reply){0})

/*
 * Fails with E_IO, E_NOMEM, E_INVALID (an answer that cannot be read), and with an empty message
 * when lines on stderr have said why; a refusal is an answer.
 */
int engine_request(struct engine_session *session, const struct engine_request *request,
                   struct engine_reply *out_reply, struct error *err);

void engine_reply_finish(struct engine_reply *reply);

#endif
