/* SPDX-License-Identifier: Apache-2.0 */
/* Shows what waits in the retry queue. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    ITEM_FILTER_OPTIONS, ITEM_PRIORITY_OPTION,
    ITEM_PAGE_OPTIONS,   {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,        {NULL, 0, NULL, NULL, false},
};

static int list(struct engine_session *session, const struct command_args *args)
{
    const char *none = item_pages_has_filter(args) ? "no such call waits in the retry queue\n"
                                                   : "nothing waits in the retry queue\n";
    return item_pages_show(session, args, "/api/v1/queue", none);
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, list);
}

const struct command cmd_queue_list = {
    .name = "list",
    .parent = &cmd_queue,
    .summary = "show what waits, in the order in which it is tried",
    .usage = "[--workflow ID] [--priority WORD] [--json]",
    .details = "A call is ready, running, retry_wait, paused or blocked; unknown or dead ones\n"
               "wait for a person: see 'opstream dlq'. They go out, and are listed, by priority\n"
               "('on_open: {queue: {priority: high}}'), then by how long they have been ready.\n"
               "--json says the priority.",
    .options = options,
    .run = run,
};
