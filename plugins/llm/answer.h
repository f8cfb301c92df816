/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_ANSWER_H
#define PLUGINS_LLM_ANSWER_H

/*
 * Answer: JSON in what a model wrote.
 *
 * Used by:  chat.
 * Uses:     reply.h, sdk.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "reply.h"

/* The map or list that all of `text` is, with a fence of three backticks around it or not; 0: none.
 */
ops_val answer_whole_json(ops_task task, ops_str text);

/*
 * The JSON in `text`, words around it left out, by `schema`. OPS_E_INPUT: `*out_why`, which lives
 * as long as the task, says what is wrong with it, for the model too.
 */
ops_status answer_read(ops_task task, ops_str text, ops_val schema, ops_val *out, ops_str *out_why);

/*
 * The calls as a list of {id, name, arguments}, checked by the schemas of `tools`. OPS_E_INPUT, and
 * `*out_why` is filled: a call is none, or of no tool of these.
 */
ops_status answer_read_tool_calls(ops_task task, const struct reply *reply, ops_val tools,
                                  ops_val *out, ops_str *out_why);

/* Without white space at both ends. */
ops_str answer_trim(ops_str text);

/* A copy that lives as long as the task; the empty text when memory runs out. */
ops_str answer_keep(ops_task task, ops_str text);

#endif
