/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_COMPOSE_H
#define PLUGINS_SLACK_COMPOSE_H

/*
 * Compose: the content of a message, from what the config has of `text`, `markdown` and `blocks`.
 *
 * Used by:  post, slack.
 * Uses:     message/blocks.h, service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

enum { COMPOSE_TEXT_UNITS = 40000, COMPOSE_NOTICE_UNITS = 3000 };

/* What is sent; in the task's scope. */
struct content {
    ops_val text;   /* what notifications show, or the whole of it; 0: none */
    ops_val blocks; /* 0: none */
    int is_cut;     /* Markdown that was too long */
    ops_str plain;  /* what a digest says of it */
};

/* 0, and the task has failed: there is no content, or Slack would not take it. */
int compose_read(struct service_call *call, struct content *out);

/* Fails the task for the member of the config of which `why` says which limit it breaks. */
void compose_fail_limit(struct service_call *call, const char *member, const struct text *why);

/*
 * Adds what was held back, plain lines, behind the content; without content it is all that there
 * is. 0: there is no room for it, or no memory, and nothing was added.
 */
int compose_add_digest(struct service_call *call, struct content *content, ops_str digest);

#endif
