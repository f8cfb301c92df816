/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_SLACK_H
#define PLUGINS_SLACK_SLACK_H

/*
 * Slack: what the settings of integrations.slack say.
 *
 * Used by:  post.
 * Uses:     message/gate.h, service/call.h.
 * Threads:  [strand]
 */

#include "message/gate.h"
#include "service/call.h"

/* Of an instance; its `own`. */
struct slack_settings {
    ops_val channels; /* a map from severity to channel; 0: none */
    struct gate_rules rules;
};

/*
 * Where the message goes: the config's `channel`, else what the settings have for its severity,
 * else their default. 0, and the task has failed: there is none.
 */
int slack_choose_channel(struct service_call *call, char *out, size_t size);

#endif
