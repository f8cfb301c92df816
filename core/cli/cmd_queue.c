/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the retry queue, and has what waits in it tried now. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    {"workflow", 'w', "ID", "only calls of this workflow", false},
    {"node", 'n', "ID", "only calls of nodes with this id", false},
    {"priority", 0, "WORD", "only calls of this priority: high, normal, low", false},
    {"limit", 0, "N", "so many at most, up to 500 [100]", false},
    {"cursor", 0, "CURSOR", "the page behind, as the one before said", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int list(struct engine_session *session, const struct command_args *args)
{
    const char *none = item_pages_has_filter(args) ? "no such call waits in the retry queue\n"
                                                   : "nothing waits in the retry queue\n";
    return item_pages_show(session, args, "/api/v1/queue", none);
}

static int run_all(struct engine_session *session, const struct command_args *args)
{
    return item_pages_order(session, args, "/api/v1/queue/run", "tried");
}

static int run(const struct command_args *args)
{
    const char *verb = args->operands[0];
    bool has_page = command_value(args, "limit") != NULL || command_value(args, "cursor") != NULL;
    if (str_equal_text(str_from(verb), "list")) {
        return engine_command_run(args, list);
    }
    if (!str_equal_text(str_from(verb), "run") || has_page) {
        return command_usage_error(args->command, "write 'queue list', or 'queue run' with "
                                                  "--workflow, --node and --priority");
    }
    return engine_command_run(args, run_all);
}

const struct command cmd_queue = {
    .name = "queue",
    .group = "Keep it running",
    .summary = "show calls that wait for their service, try them now",
    .usage = "list|run [--workflow ID] [--node ID] [--json]",
    .details = "A node with 'on_open: queue' completes while the breaker of its service is open,\n"
               "and its call waits here. It is made when the breaker lets it pass, and again\n"
               "as 'retry' of the node says. Its state is ready, running, retry_wait, paused,\n"
               "blocked; unknown or dead ones wait for a person: see 'opstream dlq'.\n"
               "They go out, and are listed, by priority ('on_open: {queue: {priority: high}}'),\n"
               "then by how long they have been ready. --json says the priority.\n\n"
               "run has all of them tried now; one that is open lets none through even so.\n"
               "A node of type 'queue.process' does it in a pipeline.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
