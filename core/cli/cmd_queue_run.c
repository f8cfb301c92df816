/* SPDX-License-Identifier: Apache-2.0 */
/* Has what waits in the retry queue tried now. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    ITEM_FILTER_OPTIONS,
    ITEM_PRIORITY_OPTION,
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int run_all(struct engine_session *session, const struct command_args *args)
{
    return item_pages_order(session, args, "/api/v1/queue/run", "tried");
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, run_all);
}

const struct command cmd_queue_run = {
    .name = "run",
    .parent = &cmd_queue,
    .summary = "have what waits tried now, or what filters leave of it",
    .usage = "[--workflow ID] [--priority WORD] [--json]",
    .details = "A breaker that is open lets none through even so. A node of type\n"
               "'queue.process' does it in a pipeline.",
    .options = options,
    .run = run,
};
