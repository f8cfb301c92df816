/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws a pipeline's graph.
 */
#include <string.h>
#include <unistd.h>

#include "core/cli/commands.h"
#include "core/cli/graph_svg.h"
#include "core/cli/graph_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"

static const struct command_option options[] = {
    {"format", 0, "FORMAT", "text, mermaid, dot or svg [text]", false},
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static bool is_format(const char *format)
{
    return strcmp(format, "text") == 0 || strcmp(format, "mermaid") == 0 ||
           strcmp(format, "dot") == 0 || strcmp(format, "svg") == 0;
}

static const char *format_of(const struct command_args *args)
{
    const char *format = command_value(args, "format");
    return format != NULL ? format : "text";
}

static int append_graph(const struct command_args *args, const struct pipeline *pipeline,
                        struct strbuf *out)
{
    const char *format = format_of(args);
    if (strcmp(format, "mermaid") == 0) {
        graph_text_append_mermaid(pipeline, out);
    } else if (strcmp(format, "dot") == 0) {
        graph_text_append_dot(pipeline, out);
    } else if (strcmp(format, "svg") == 0) {
        graph_svg_append(pipeline, out);
    } else {
        graph_text_append_tree(pipeline, terminal_has_color(STDOUT_FILENO), out);
    }
    return EXIT_DONE;
}

static int append(struct workspace *workspace, const struct command_args *args, struct strbuf *out)
{
    return workspace_append_pipeline(workspace, args, append_graph, out);
}

static int run(const struct command_args *args)
{
    if (!is_format(format_of(args))) {
        return command_usage_error(args->command, "--format is text, mermaid, dot or svg, not '%s'",
                                   format_of(args));
    }
    return workspace_print(args, append);
}

const struct command cmd_graph = {
    .name = "graph",
    .group = "Look at pipelines",
    .summary = "draw the graph: a tree, Mermaid, DOT or SVG",
    .usage = "FILE[#ID] [--format text|mermaid|dot|svg]",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
