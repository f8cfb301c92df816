/* SPDX-License-Identifier: Apache-2.0 */
/* Lifts a limit by hand. */
#include "core/cli/commands.h"
#include "core/cli/scope_order.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    SCOPE_ORDER_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

const struct command cmd_limits_reset = {
    .name = "reset",
    .parent = &cmd_limits,
    .summary = "forget what was counted, and that it is frozen",
    .usage = "SCOPE [--json]",
    .details = "Who waits goes. SCOPE is a service (its rates are meant, too), one of its rates,\n"
               "or any part that no other one has: api.example.com. It is in the audit log.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = scope_order_run,
};
