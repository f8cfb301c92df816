/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_FAILURE_H
#define PLUGINS_LLM_FAILURE_H

/*
 * Failure: why there is no answer, as people and the engine need to hear it. Services say it by a
 * status, a type, a code and a sentence, each a little differently; what it means is found here.
 *
 * Used by:  the llm plugin.
 * Uses:     instance.h, sdk.h; status.h and text.h of plugins/service.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* About whom; all borrowed. */
struct failing {
    const ops_node *node;
    ops_task task;
    ops_str model;
    ops_val details; /* what is known of the tokens that were spent; 0: nothing */
};

/* An answer whose status is none of success. */
void failure_of_status(const struct failing *failing, const ops_http_res *res);

/* What a stream has in the place of a message: the value of `error`. */
void failure_of_event(const struct failing *failing, ops_val error);

/* What came instead of an answer. `received` bytes of a stream had come before. */
void failure_of_transport(const struct failing *failing, const ops_error *err, uint64_t received);

/* Other ends; `what` follows the name of the service, `said` (may be empty) is quoted behind it. */
struct failure_kind {
    ops_status code;
    const char *symbol;
    const char *what;
    const char *hint;
    uint32_t retry;
};
extern const struct failure_kind failure_no_key, failure_stream_cut, failure_not_json, failure_html,
    failure_empty, failure_max_tokens, failure_filtered, failure_refused, failure_bad_output,
    failure_too_large, failure_no_memory;

void failure_of_kind(const struct failing *failing, const struct failure_kind *kind, ops_str said);

/* The config is wrong; both texts are static. */
void failure_of_config(ops_task task, const char *path, const char *message);

#endif
