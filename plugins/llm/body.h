/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_BODY_H
#define PLUGINS_LLM_BODY_H

/*
 * Body: writes the JSON of a request, without making a value of it first: a prompt can be large.
 *
 *     body_open(&body, NULL, '{');
 *     body_str(&body, "model", model);
 *     body_close(&body, '}');
 *
 * Commas are put where they belong. A failed allocation is remembered in `text.failed`.
 *
 * Used by:  the llm plugin.
 * Uses:     sdk.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

struct body {
    struct text text;
    ops_task task; /* numbers are made in it */
};

/* `key` is NULL inside of a list. `bracket` is '{' or '['; it is closed by '}' or ']'. */
void body_open(struct body *body, const char *key, char bracket);
void body_close(struct body *body, char bracket);

void body_str(struct body *body, const char *key, ops_str s);
void body_text(struct body *body, const char *key, const char *text);
void body_i64(struct body *body, const char *key, int64_t i);
void body_f64(struct body *body, const char *key, double d);
void body_bool(struct body *body, const char *key, int is_true);

/* Any value; nothing for 0. */
void body_val(struct body *body, const char *key, ops_val v);

/* The value as JSON, in a string. */
void body_json_str(struct body *body, const char *key, ops_val v);

#endif
