/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks files and prints everything that is wrong with them, all in one go.
 */
#include <stdint.h>
#include <stdio.h>

#include "core/cli/commands.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"

static const struct command_option options[] = {
    {"strict", 0, NULL, "treat warnings about names that lead nowhere as errors", false},
    {"quiet", 'q', NULL, "print nothing about files that are valid", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static void append_valid(const struct workspace_file *file, struct strbuf *out)
{
    for (size_t i = 0; i < file->definitions->count; i++) {
        const struct pipeline *pipeline = file->definitions->pipelines[i];
        terminal_append_safe(out, str_from(file->name));
        strbuf_append_text(out, ": valid: ");
        terminal_append_safe(out, file->definitions->ids[i]);
        if (pipeline == NULL) {
            strbuf_append_text(out, " (a profile: settings without a body)\n");
        } else {
            strbuf_append_format(out, ", %u node%s, %u edge%s\n", pipeline->node_count,
                                 pipeline->node_count == 1 ? "" : "s", pipeline->edge_count,
                                 pipeline->edge_count == 1 ? "" : "s");
        }
    }
}

/* The worst code counts; all files are looked at. */
static int validate_files(struct workspace *workspace, const struct command_args *args,
                          struct strbuf *out)
{
    unsigned flags = command_has(args, "strict") ? LOAD_STRICT : 0;
    int worst = EXIT_DONE;
    for (size_t i = 0; i < args->operand_count; i++) {
        struct workspace_file file;
        int code = workspace_load(workspace, args->operands[i], flags, &file);
        if (code == EXIT_DONE && !command_has(args, "quiet")) {
            append_valid(&file, out);
        }
        worst = code > worst ? code : worst;
        workspace_file_finish(&file);
    }
    return worst;
}

static int run(const struct command_args *args)
{
    struct workspace workspace;
    struct strbuf out = STRBUF_INIT;
    int code = workspace_open(&workspace, args);
    if (code == EXIT_DONE) {
        code = validate_files(&workspace, args, &out);
    }
    int written = terminal_write_stdout(strbuf_str(&out));
    strbuf_finish(&out);
    workspace_finish(&workspace);
    return code != EXIT_DONE ? code : written;
}

const struct command cmd_validate = {
    .name = "validate",
    .group = "Look at pipelines",
    .summary = "check files, print all that is wrong with them",
    .usage = "FILE[#ID]... [--strict]",
    .details = "Nothing runs. Each mistake has its place, the reason and, where there is one,\n"
               "the cure.",
    .options = options,
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = run,
};
