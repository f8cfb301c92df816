/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_RICH_H
#define PLUGINS_SLACK_RICH_H

/*
 * Rich: what a message has besides its text: a chart of bars, and buttons that are links.
 *
 *     chart: {title: Load, unit: "%", values: {web: 71, db: 12.5}}
 *     buttons: [{text: Open the run, url: "https://...", style: primary}]
 *
 * Used by:  compose.
 * Uses:     message/blocks.h, sdk.h.
 * Threads:  [strand]
 */

#include "message/blocks.h"
#include "opstream/sdk.h"

/* Adds what the config has of it. */
void rich_add(struct blocks *blocks, ops_val config);

/* 1: the config has some. */
int rich_is_any(ops_val config);

#endif
