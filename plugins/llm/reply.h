/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_REPLY_H
#define PLUGINS_LLM_REPLY_H

/*
 * Reply: what a model answered, put together from one answer or from the pieces of a stream.
 *
 * Used by:  the llm plugin.
 * Uses:     sdk.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

enum { REPLY_MAX_TOOL_CALLS = 64 };

enum finish {
    FINISH_UNKNOWN,
    FINISH_STOP,
    FINISH_LENGTH, /* max_tokens, or the end of the context window */
    FINISH_TOOL_CALLS,
    FINISH_FILTER,
    FINISH_REFUSED
};

struct tool_call {
    int64_t index; /* as the service counts it */
    struct text id;
    struct text name;
    struct text arguments; /* JSON */
};

/* -1: the service did not say. */
struct usage {
    int64_t input_tokens; /* all, those from a cache among them */
    int64_t output_tokens;
    int64_t cached_tokens; /* of the input, from a cache */
};

struct reply {
    struct text model;
    struct text text;
    struct text refusal;
    struct tool_call tool_calls[REPLY_MAX_TOOL_CALLS];
    uint64_t n_tool_calls;
    int64_t answer_index; /* of the part that is the answer, and nothing else is; -1: none */
    struct usage usage;
    enum finish finish;
    int is_ended;   /* the stream said so */
    int is_strange; /* an answer, but not one of this API */
    int is_over;    /* more tool calls than there is room for */
};

void reply_begin(struct reply *reply);
void reply_finish(struct reply *reply);

/* Some text could not be kept: out of memory. */
int reply_has_failed(const struct reply *reply);

/* The call that the service counts as `index`; NULL: there are too many. */
struct tool_call *reply_tool_call(struct reply *reply, int64_t index);

/* "stop", "length", ...; the empty text for FINISH_UNKNOWN. */
const char *reply_finish_name(enum finish finish);

/* The sum; -1 where one is not known. */
struct usage usage_add(struct usage a, struct usage b);

/* A count of tokens that a service gives; `otherwise` when it gives none. */
int64_t usage_read(ops_val from, const char *key, int64_t otherwise);

#endif
