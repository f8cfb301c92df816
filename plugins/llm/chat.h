/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_CHAT_H
#define PLUGINS_LLM_CHAT_H

/*
 * Chat: asks a model and hears its answer, whole or as a stream. An answer that must fit a schema
 * and does not is asked for once more, with what is wrong with it; then the task fails. All that
 * goes wrong ends the task; only an answer that can be used gets to the one who asked.
 *
 * Used by:  the node types llm, llm.classify and llm.extract.
 * Uses:     answer.h, bill.h, body.h, failure.h, frames.h, instance.h, question.h, reply.h.
 * Threads:  [strand]
 */

#include "bill.h"
#include "body.h"
#include "frames.h"
#include "instance.h"
#include "opstream/sdk.h"
#include "question.h"
#include "reply.h"

struct chat;

/*
 * Ends the task. `json` is the answer as a value: what fits the schema if there is one; else the
 * map or list that all of the text is, or 0.
 */
typedef void (*chat_answer_cb)(struct chat *chat, ops_val json);

/* In the task's memory; the texts in it are ended with the task. */
struct chat {
    ops_node *node;
    ops_task task;
    ops_val config;
    struct question question;
    chat_answer_cb on_answer;
    void *user;
    const char *schema_path; /* of the config, for errors */
    struct bill bill;
    struct body body; /* of the question, until it is sent */
    /* The call that is under way. */
    struct reply reply;
    struct frames frames;
    struct text raw;   /* what came in front of the first event: it may be no stream */
    uint64_t received; /* bytes */
    uint64_t n_events; /* of the stream */
    ops_val error;     /* in the place of an event; 0: none */
    int has_bad_event;
    /* What became of it. */
    ops_val tool_calls; /* list */
    struct usage usage; /* of all calls */
    int32_t n_calls;
};

/* The question is copied; what it borrows must live as long as the task. */
struct chat_request {
    ops_node *node;
    ops_task task;
    ops_val config;
    const struct question *question;
    const char *schema_path; /* static */
    chat_answer_cb on_answer;
    void *user; /* for who asks; chat.user */
};
void chat_ask(const struct chat_request *request);

/* The model that answered, as the service names it; else as it was asked for. */
ops_str chat_model(const struct chat *chat);

#endif
