/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the lines that the nodes of a run have logged. */
#include "core/api/query.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/logs_follow.h"
#include "core/cli/logs_text.h"
#include "core/cli/record_pages.h"
#include "core/cli/state_owner.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"node", 'n', "PATH", "only of this node and of what is inside it", false},
    {"follow", 'f', NULL, "go on until the run has ended", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static void append_row(void *user, const struct value *row, struct strbuf *out)
{
    const struct job_text_style *style = user;
    logs_text_append(row, *style, out);
}

static int print(struct record_pages *pages, const struct command_args *args)
{
    struct job_text_style style = job_text_style_of_stdout();
    if (command_has(args, "follow")) {
        return logs_follow(pages, append_row, &style);
    }
    return command_has(args, "json") ? record_pages_print_json(pages)
                                     : record_pages_print(pages, append_row, &style);
}

static int show(struct engine_session *session, const struct command_args *args)
{
    struct strbuf query = STRBUF_INIT;
    const char *node = command_value(args, "node");
    if (command_has(args, "follow") && command_has(args, "json")) {
        return command_usage_error(args->command, "'--follow' and '--json' do not go together");
    }
    if (node != NULL) {
        query_append(&query, "node", str_from(node));
    }
    struct record_pages pages = {
        .session = session,
        .id = args->operands[0],
        .below = "/logs",
        .rows = "logs",
        .query = strbuf_str(&query),
    };
    int code = strbuf_status(&query) != 0 ? command_error(EXIT_STATE, "out of memory")
                                          : print(&pages, args);
    strbuf_finish(&query);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, show);
}

const struct command cmd_logs = {
    .name = "logs",
    .group = "Look at runs",
    .summary = "show what the nodes of a run have logged",
    .usage = "ID [--node PATH] [--follow] [--json]",
    .details = "Lines of child runs are among them. PATH is as 'opstream status' shows it, also\n"
               "of a whole loop: each has the lines of each[0].fix. Times are in UTC.\n"
               "--follow waits for an engine when none is at work.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
