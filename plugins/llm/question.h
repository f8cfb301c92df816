/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_QUESTION_H
#define PLUGINS_LLM_QUESTION_H

/*
 * Question: what a model is asked, in a form that knows of no service: each of them writes it as
 * its own API wants it.
 *
 * Used by:  the llm plugin.
 * Uses:     sdk.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

struct ops_node;

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL };

/* All borrowed from the question. */
struct message {
    enum role role;
    ops_str content;
    ops_val images;     /* list of URLs; 0: none */
    ops_val tool_calls; /* list of {id, name, arguments}; 0: none */
    ops_str tool_call_id;
    ops_str tool_name;
};

enum { TEMPERATURE_UNSET = -1 };

/* What is borrowed lives as long as the task. */
struct question {
    ops_str model;
    ops_str system; /* may be empty */
    ops_str prompt; /* when there are no messages */
    ops_val images; /* go with the prompt */
    ops_val messages;
    ops_val history;         /* list of messages of a session, in front of these; 0: none */
    ops_val stop;            /* list of texts; 0: none */
    ops_val tools;           /* list of {name, description, parameters}; 0: none */
    ops_val schema;          /* of the answer; 0: any text */
    double temperature;      /* TEMPERATURE_UNSET: the service's own */
    int has_own_temperature; /* the config says it; else it is only our default */
    int64_t max_tokens;
    int is_streamed;
    /* Of a second call: what came of the first, and what is wrong with it. */
    ops_str answered;
    ops_str complaint;
};

/* What is wrong with a config; static. */
struct question_fault {
    const char *path; /* JSON pointer */
    const char *message;
};

/* Reads the config of an `llm` node. 0: `fault` says why not. */
int question_read(const struct ops_node *node, ops_val config, struct question *out,
                  struct question_fault *fault);

/* The config's `model`, or that of the settings; empty: neither says one. */
ops_str question_model(const struct ops_node *node, ops_val config);

/* The messages, without `system`; those of a second call are the last two. */
uint64_t question_count(const struct question *question);
struct message question_message(const struct question *question, uint64_t i);

/* "data:image/png;base64,AAAA": 1, and its parts. */
int question_read_data_url(ops_str url, ops_str *media_type, ops_str *base64);

/* Text i of a list; empty: there is none. */
ops_str question_item(ops_val list, uint64_t i);

#endif
