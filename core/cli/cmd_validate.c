/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks files and prints everything that is wrong with them, all in one go.
 */
#include <stdint.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"strict", 0, NULL, "treat warnings about names that lead nowhere as errors", false},
    {"quiet", 'q', NULL, "print nothing about files that are valid", false},
    {"json", 0, NULL, "print one JSON document", false},
    LIBRARY_OPTION,
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

/* ---- JSON ---- */

static void build_valid(struct builder *b, const struct workspace_file *file)
{
    for (size_t i = 0; i < file->definitions->count; i++) {
        const struct pipeline *pipeline = file->definitions->pipelines[i];
        builder_map_begin(b);
        builder_member_string(b, STR("file"), str_from(file->name));
        builder_member_string(b, STR("id"), file->definitions->ids[i]);
        builder_member_bool(b, STR("is_profile"), pipeline == NULL);
        builder_member_int(b, STR("node_count"), pipeline != NULL ? pipeline->node_count : 0);
        builder_member_int(b, STR("edge_count"), pipeline != NULL ? pipeline->edge_count : 0);
        builder_map_end(b);
    }
}

/* {valid, pipelines, problems}; both lists are ended. */
static int build_document(bool is_valid, struct builder *pipelines, struct builder *problems,
                          struct document **out_document, struct error *err)
{
    cleanup_document struct document *good = NULL;
    cleanup_document struct document *bad = NULL;
    builder_list_end(pipelines);
    builder_list_end(problems);
    int status = builder_finish(pipelines, &good, err);
    int other = builder_finish(problems, &bad, err);
    if (status != 0 || other != 0) {
        return status != 0 ? status : other;
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_bool(b, STR("valid"), is_valid);
    builder_key(b, STR("pipelines"));
    builder_embed(b, good, document_root(good));
    builder_key(b, STR("problems"));
    builder_embed(b, bad, document_root(bad));
    builder_map_end(b);
    return builder_finish(b, out_document, err);
}

static int validate_json(struct workspace *workspace, const struct command_args *args,
                         struct strbuf *out)
{
    struct builder *pipelines = builder_create();
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    unsigned flags = command_has(args, "strict") ? LOAD_STRICT : 0;
    int worst = EXIT_DONE;
    workspace->problems = builder_create();
    builder_list_begin(pipelines);
    builder_list_begin(workspace->problems);
    for (size_t i = 0; workspace->problems != NULL && i < args->operand_count; i++) {
        struct workspace_file file;
        int code = workspace_load(workspace, args->operands[i], flags, &file);
        if (code == EXIT_DONE) {
            build_valid(pipelines, &file);
        }
        worst = code > worst ? code : worst;
        workspace_file_finish(&file);
    }
    if (build_document(worst == EXIT_DONE, pipelines, workspace->problems, &document, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(document), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return worst;
}

static int run(const struct command_args *args)
{
    struct workspace workspace;
    struct strbuf out = STRBUF_INIT;
    int code = workspace_open(&workspace, args);
    if (code == EXIT_DONE) {
        code = command_has(args, "json") ? validate_json(&workspace, args, &out)
                                         : validate_files(&workspace, args, &out);
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
    .usage = "FILE[#ID]... [--strict] [--json]",
    .details = "Nothing runs. Each mistake has its place, the reason and, where there is one,\n"
               "the cure.",
    .options = options,
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = run,
};
