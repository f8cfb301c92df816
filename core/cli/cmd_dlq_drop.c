/* SPDX-License-Identifier: Apache-2.0 */
/* Ends dead letters for good. */
#include <stdint.h>

#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    {"all", 0, NULL, "all that the filters leave, instead of an ID", false},
    ITEM_FILTER_OPTIONS,
    ITEM_LETTER_OPTIONS,
    ITEM_PRIORITY_OPTION,
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int drop(struct engine_session *session, const struct command_args *args)
{
    return item_pages_order(session, args, "/api/v1/dlq/drop", "dropped");
}

static int run(const struct command_args *args)
{
    const char *fault = item_pages_fault_of(args);
    if (fault != NULL) {
        return command_usage_error(args->command, "%s", fault);
    }
    return engine_command_run(args, drop);
}

const struct command cmd_dlq_drop = {
    .name = "drop",
    .parent = &cmd_dlq,
    .summary = "end dead letters for good: their calls have failed",
    .usage = "ID... [--json]\n"
             "       opstream dlq drop --all [--workflow ID] [--code CODE]",
    .details = "It is in the audit log.",
    .options = options,
    .max_operands = SIZE_MAX,
    .run = run,
};
