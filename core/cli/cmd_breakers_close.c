/* SPDX-License-Identifier: Apache-2.0 */
/* Takes an order for a breaker back. */
#include "core/cli/commands.h"
#include "core/cli/scope_order.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    SCOPE_ORDER_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

const struct command cmd_breakers_close = {
    .name = "close",
    .parent = &cmd_breakers,
    .summary = "back to normal: what was counted is forgotten",
    .usage = "SCOPE [--json]",
    .details = "It ends what 'open' and 'disable' have ordered, and lets calls through a breaker\n"
               "that failures have opened. It is in the audit log. 'opstream help breakers' says\n"
               "what SCOPE is.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = scope_order_run,
};
