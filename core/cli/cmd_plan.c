/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what would run, in which order, and what in parallel. Nothing runs.
 */
#include <unistd.h>

#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/plan_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int append_plan(const struct command_args *args, const struct pipeline *pipeline,
                       struct strbuf *out)
{
    if (!command_has(args, "json")) {
        plan_text_append(pipeline, terminal_has_color(STDOUT_FILENO), out);
        return EXIT_DONE;
    }
    struct error err = {0};
    cleanup_document struct document *plan = NULL;
    if (plan_build(pipeline, &plan, &err) != 0) {
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
    .usage = "FILE[#ID] [--json]",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
