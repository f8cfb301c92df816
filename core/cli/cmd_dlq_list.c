/* SPDX-License-Identifier: Apache-2.0 */
/* Lists dead letters. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    ITEM_FILTER_OPTIONS,
    ITEM_LETTER_OPTIONS,
    ITEM_PRIORITY_OPTION,
    ITEM_PAGE_OPTIONS,
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int list(struct engine_session *session, const struct command_args *args)
{
    const char *none = item_pages_has_filter(args) ? "there are no such dead letters\n"
                                                   : "there are no dead letters\n";
    return item_pages_show(session, args, "/api/v1/dlq", none);
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, list);
}

const struct command cmd_dlq_list = {
    .name = "list",
    .parent = &cmd_dlq,
    .summary = "list dead letters, or those that filters leave",
    .usage = "[--workflow ID] [--node ID] [--code CODE] [--json]",
    .options = options,
    .run = run,
};
