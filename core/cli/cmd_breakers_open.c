/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps calls away from a service by hand. */
#include "core/cli/commands.h"
#include "core/cli/scope_order.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    SCOPE_ORDER_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

const struct command cmd_breakers_open = {
    .name = "open",
    .parent = &cmd_breakers,
    .summary = "let no call through, until another order comes",
    .usage = "SCOPE [--json]",
    .details = "The order outlives restarts, and is in the audit log. 'opstream help breakers'\n"
               "says what SCOPE is.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = scope_order_run,
};
