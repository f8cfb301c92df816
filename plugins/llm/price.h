/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_PRICE_H
#define PLUGINS_LLM_PRICE_H

/*
 * Price: what tokens of a model cost, by `prices` of the settings or the table that the build makes
 * of config/models.yaml.
 *
 * Used by:  output.
 * Uses:     reply.h, sdk.h.
 * Threads:  [any-thread]
 */

#include "opstream/sdk.h"
#include "reply.h"

/* US dollars per million tokens. */
struct price {
    const char *model; /* NULL ends the table */
    double input;
    double cached;
    double output;
};

extern const struct price price_table[];

/* 1: `model` is `name`, or a dated version of it: "gpt-4o-2024-08-06", "claude-opus-4-20250514". */
int price_is_of(ops_str model, ops_str name);

/* US dollars; -1: the price, or the count of tokens, is not known. `prices` may be 0. */
double price_cost(ops_val prices, ops_str model, const struct usage *usage);

#endif
