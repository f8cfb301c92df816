/* SPDX-License-Identifier: Apache-2.0 */
/* Takes an order for a breaker back, as close does. */
#include "core/cli/commands.h"
#include "core/cli/scope_order.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    SCOPE_ORDER_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

const struct command cmd_breakers_reset = {
    .name = "reset",
    .parent = &cmd_breakers,
    .summary = "the same as 'close'",
    .usage = "SCOPE [--json]",
    .details = "See 'opstream help breakers close'.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = scope_order_run,
};
