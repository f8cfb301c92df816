/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what would run, in which order, what in parallel, what may not run and why. Nothing runs.
 */
#include <unistd.h>

#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/plan_data.h"
#include "core/cli/plan_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    {"verbose", 'v', NULL, "show policies that are the defaults, too", false},
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* Of lines that go to no terminal. */
enum { PLAIN_COLUMNS = 100 };

static struct plan_style style_of_output(const struct command_args *args)
{
    return (struct plan_style){
        .detail = command_has(args, "verbose") ? PLAN_ALL : PLAN_SHORT,
        .is_colored = terminal_has_color(STDOUT_FILENO),
        .columns = terminal_is_live(STDOUT_FILENO) ? terminal_size(STDOUT_FILENO).columns
                                                   : PLAIN_COLUMNS,
    };
}

static int append_plan(const struct command_args *args, const struct pipeline *pipeline,
                       struct strbuf *out)
{
    if (!command_has(args, "json")) {
        plan_text_append(pipeline, style_of_output(args), out);
        return EXIT_DONE;
    }
    struct error err = {0};
    cleanup_document struct document *plan = NULL;
    if (plan_data_build(pipeline, &plan, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(plan), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}

static int append(struct workspace *workspace, const struct command_args *args, struct strbuf *out)
{
    return workspace_append_pipeline(workspace, args, append_plan, out);
}

static int run(const struct command_args *args)
{
    return workspace_print(args, append);
}

const struct command cmd_plan = {
    .name = "plan",
    .group = "Look at pipelines",
    .summary = "show what would run, in which order, what in parallel",
    .usage = "FILE[#ID] [--verbose] [--json]",
    .details = "Nothing runs. Nodes of one step run in parallel; 1.2 is step 2 inside the node\n"
               "of step 1. 'may not run' stands at nodes that depend on a choice or a failure,\n"
               "with what they depend on; a node that is 'skipped' does not hold back what\n"
               "follows. The pipelines that it runs come behind it.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
