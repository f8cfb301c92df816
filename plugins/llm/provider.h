/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_PROVIDER_H
#define PLUGINS_LLM_PROVIDER_H

/*
 * Provider: one API for language models: where things are, how a question is written in it and how
 * its answers are read. Calls are made by chat.c and embed.c, which know no API.
 *
 * Used by:  the llm plugin.
 * Uses:     body.h, frames.h, question.h, reply.h.
 * Threads:  [strand]
 */

#include "body.h"
#include "frames.h"
#include "opstream/sdk.h"
#include "question.h"
#include "reply.h"

struct ops_node;

struct provider {
    const char *id;         /* as in the settings */
    const char *name;       /* for people */
    const char *base_url;   /* of the one who made it */
    const char *key_header; /* NULL: a key is sent as that of OpenAI is */
    const char *key_prefix;
    const char *version_header; /* NULL: none */
    const char *version;
    int needs_key; /* at its own base URL */
    const char *chat_path;
    const char *embed_path; /* NULL: it has none */
    const char *list_path;  /* lists models: for checks */
    enum frames_kind frames;
    /* What the API cannot do. 0: `fault` says what. */
    int (*accepts)(const struct question *question, struct question_fault *fault);
    void (*write_chat)(struct body *body, const struct ops_node *node,
                       const struct question *question);
    void (*read_chat)(ops_val answer, struct reply *reply);
    /* One message of a stream, which is JSON and no error. */
    void (*read_event)(ops_val event, struct reply *reply);
    void (*write_embed)(struct body *body, ops_str model, ops_val texts, int64_t dimensions);
    /* The list of vectors, in the order of the texts; 0: the answer has none. */
    ops_val (*read_vectors)(ops_task task, ops_val answer, struct usage *usage);
};

extern const struct provider provider_openai;
extern const struct provider provider_anthropic;
extern const struct provider provider_ollama;

/* Never NULL: `id` was checked by the schema of the settings. Empty: OpenAI's. */
const struct provider *provider_find(ops_str id);

#endif
