/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the pipeline format as a JSON Schema, with the node types that there are, or that of the
 * settings.
 */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/workspace.h"
#include "core/loop/loop.h"
#include "core/model/format_schema.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"settings", 0, NULL, "print that of opstream.yaml", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int append(struct workspace *workspace, const struct command_args *args, struct strbuf *out)
{
    struct error err = {0};
    cleanup_document struct document *schema = NULL;
    int status =
        command_has(args, "settings")
            ? format_schema_build_settings(&schema, &err)
            : format_schema_build(loop_catalogue(workspace->loop), workspace->types, &schema, &err);
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(schema), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    return workspace_print(args, append);
}

const struct command cmd_schema = {
    .name = "schema",
    .group = "Look at node types",
    .summary = "print the format as a JSON Schema, for editors",
    .usage = "[--settings]",
    .details = "The schema (draft 2020-12) describes pipelines with the node types that there\n"
               "are. An editor with a YAML language server completes and checks a file by it\n"
               "when the file says so:\n"
               "\n"
               "  opstream schema > pipeline.schema.json\n"
               "  # yaml-language-server: $schema=pipeline.schema.json\n"
               "\n"
               "--settings prints that of opstream.yaml, in which no node types stand.",
    .options = options,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
