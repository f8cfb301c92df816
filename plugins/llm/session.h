/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_SESSION_H
#define PLUGINS_LLM_SESSION_H

/*
 * Session: the messages of a conversation, kept by name for this run and later ones.
 *
 * It is a list of turns: what was asked, and the answer. A turn has the key of the step that made
 * it, so that a further attempt finds its own turn: it is no part of what came before, and the new
 * one takes its place. Who adds a turn while another one does reads what that one left, and adds it
 * behind. The oldest turns go when there are more tokens than the session may have, as half of
 * their bytes.
 *
 *     {"turns": [{"key": "ops1_...", "messages": [{"role": "user", "content": "..."}, ...]}]}
 *
 * Used by:  llm, remember.
 * Uses:     sdk.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

struct session;

/* The step went well; or the task has ended. */
typedef void (*session_cb)(void *user, int is_well);

/* In the task's memory; the texts in it end with the task. */
struct session {
    ops_task task;
    ops_str name;       /* under which it is kept, with what plugins keep besides */
    ops_str key;        /* of this step's turn */
    int64_t max_tokens; /* of all turns */
    uint64_t ttl_ms;    /* how long it is kept after its last turn; 0: for ever */
    ops_val turns;      /* as they were read; 0: none */
    uint64_t version;   /* of these; 0: there is nothing yet */
    ops_val added;      /* the messages of the turn that is written */
    int n_writes;
    session_cb cb;
    void *user;
};

/* Reads the config's `session`. 0: it has none. -1: `*fault` (static) says what is wrong. */
int session_read(struct session *session, ops_task task, ops_val config, const char **fault);

/* Finds what is kept; `cb` comes later. */
void session_open(struct session *session, session_cb cb, void *user);

/* The messages of all turns but the step's own: a list; 0: out of memory. */
ops_val session_messages(const struct session *session);

/* Keeps one more turn with `messages` (list); `cb` comes later. */
void session_add(struct session *session, ops_val messages, session_cb cb, void *user);

#endif
