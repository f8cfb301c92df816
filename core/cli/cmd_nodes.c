/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the node types that are there, or tells all of one: what it does, its risk, its config and
 * its plugin's settings with types, defaults and allowed values, its outcomes and its output.
 */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/cli/commands.h"
#include "core/cli/schema_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/loop/loop.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* The engine's types, then those of plugins; false at the end. */
static bool line_at(struct workspace *workspace, size_t i, struct node_type_line *out_line)
{
    size_t own = 0;
    const struct node_type *type = NULL;
    while ((type = engine_types_at(workspace->types, own)) != NULL) {
        if (own++ == i) {
            *out_line = (struct node_type_line){.name = type->name,
                                                .plugin = type->plugin,
                                                .risk = type->risk,
                                                .summary = type->summary};
            return true;
        }
    }
    const struct catalogue *catalogue = loop_catalogue(workspace->loop);
    return catalogue->line_at(catalogue->user, i - own, out_line);
}

static void build_text(struct builder *b, struct str key, struct str text)
{
    if (text.n > 0) {
        builder_member_string(b, key, text);
    } else {
        builder_member_null(b, key);
    }
}

/* ---- the list ---- */

enum { RISK_WIDTH = 10 }; /* of the longest, "critical", and a gap */

static size_t widest_name(struct workspace *workspace)
{
    size_t widest = 0;
    struct node_type_line line;
    for (size_t i = 0; line_at(workspace, i, &line); i++) {
        size_t width = terminal_safe_width(line.name);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void append_cell(struct str text, size_t width, struct strbuf *out)
{
    terminal_append_safe(out, text);
    for (size_t n = terminal_safe_width(text); n < width; n++) {
        strbuf_append_char(out, ' ');
    }
}

static void append_list(struct workspace *workspace, struct strbuf *out)
{
    size_t widest = widest_name(workspace);
    struct node_type_line line = {.name = STR("TYPE"), .risk = STR("RISK")};
    append_cell(line.name, widest + 2, out);
    append_cell(line.risk, RISK_WIDTH, out);
    strbuf_append_text(out, "WHAT IT DOES\n");
    for (size_t i = 0; line_at(workspace, i, &line); i++) {
        append_cell(line.name, widest + 2, out);
        append_cell(line.risk, RISK_WIDTH, out);
        terminal_append_safe(out, line.summary);
        if (line.plugin.n == 0) {
            strbuf_append_text(out, " [engine]");
        }
        if (line.note.n > 0) {
            strbuf_append_format(out, " [%.*s]", STR_ARG(line.note));
        }
        strbuf_append_char(out, '\n');
    }
    strbuf_append_text(out, "\n'opstream nodes TYPE' shows the config and the output of one.\n");
}

static int append_json_list(struct workspace *workspace, struct strbuf *out)
{
    struct builder *b = builder_create();
    builder_list_begin(b);
    struct node_type_line line;
    for (size_t i = 0; line_at(workspace, i, &line); i++) {
        builder_map_begin(b);
        builder_member_string(b, STR("type"), line.name);
        build_text(b, STR("plugin"), line.plugin);
        builder_member_string(b, STR("risk"), line.risk);
        builder_member_string(b, STR("summary"), line.summary);
        build_text(b, STR("note"), line.note);
        builder_map_end(b);
    }
    builder_list_end(b);
    struct error err = {0};
    cleanup_document struct document *list = NULL;
    if (builder_finish(b, &list, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(list), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}

/* ---- one type ---- */

static void append_outcomes(const struct node_type *type, struct strbuf *out)
{
    strbuf_append_text(out, "\noutcomes\n  success, error");
    for (size_t i = 0; i < type->port_count; i++) {
        strbuf_append_text(out, ", ");
        terminal_append_safe(out, type->ports[i]);
    }
    if (type->ports_from.n > 0) {
        strbuf_append_text(out, ", and those that its config names at ");
        terminal_append_safe(out, type->ports_from);
    }
    strbuf_append_char(out, '\n');
}

enum { DOCS_WIDTH = 80 };

static size_t word_size(struct str text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ' && text.p[n] != '\n') {
        n++;
    }
    return n;
}

/* The paragraph that the manifest has about the type, in lines. */
static void append_docs(struct str text, struct strbuf *out)
{
    size_t column = 0;
    strbuf_append_char(out, '\n');
    while (text.n > 0) {
        struct str word = str_make(text.p, word_size(text));
        size_t width = terminal_safe_width(word);
        bool is_first = column == 0;
        bool fits = is_first || column + 1 + width <= DOCS_WIDTH;
        strbuf_append_text(out, is_first ? "" : fits ? " " : "\n");
        column = fits ? column + !is_first + width : width;
        terminal_append_safe(out, word);
        text = str_trim(str_make(text.p + word.n, text.n - word.n));
    }
    strbuf_append_char(out, '\n');
}

static struct str docs_of(const struct node_type *type)
{
    const struct value *docs =
        type->description != NULL ? value_get(document_root(type->description), STR("docs")) : NULL;
    return value_is(docs, VALUE_STRING) ? str_trim(value_str(docs)) : STR("");
}

/* What `integrations` may say to the type's plugin; NULL: nothing. */
static const struct schema *settings_of(struct workspace *workspace, const struct node_type *type)
{
    const struct catalogue *catalogue = loop_catalogue(workspace->loop);
    const struct plugin_type *plugin =
        type->plugin.n > 0 ? catalogue->find_plugin(catalogue->user, type->plugin) : NULL;
    return plugin != NULL ? plugin->settings_schema : NULL;
}

static void append_settings(const struct node_type *type, const struct schema *settings,
                            struct strbuf *out)
{
    if (settings == NULL) {
        return;
    }
    strbuf_append_text(out, "\nsettings, for all its nodes, in 'integrations' under '");
    terminal_append_safe(out, type->plugin);
    strbuf_append_text(out, "'\n");
    schema_text_append(schema_source(settings), 2, out);
}

static void append_type(const struct node_type *type, const struct schema *settings,
                        struct strbuf *out)
{
    terminal_append_safe(out, type->name);
    strbuf_append_text(out, ": ");
    terminal_append_safe(out, type->summary);
    strbuf_append_text(out, "\n");
    if (type->plugin.n > 0) {
        strbuf_append_text(out, "of the plugin '");
        terminal_append_safe(out, type->plugin);
        strbuf_append_text(out, "'\n");
    }
    strbuf_append_text(out, "risk: ");
    strbuf_append_str(out, type->risk);
    strbuf_append_char(out, '\n');
    if (docs_of(type).n > 0) {
        append_docs(docs_of(type), out);
    }
    strbuf_append_text(out, "\nconfig\n");
    schema_text_append(schema_source(type->config_schema), 2, out);
    append_settings(type, settings, out);
    append_outcomes(type, out);
    if ((type->flags & NODE_TYPE_STREAMS) != 0) {
        strbuf_append_text(out, "\nstream\n  emits items, for loops over NODE.stream\n");
    }
    if ((type->flags & NODE_TYPE_CHECKS) != 0) {
        strbuf_append_text(out, "\ncheck\n  its service is asked whether it is there, where "
                                "'monitoring' has a\n  health_check_interval\n");
    }
    if (type->output_schema != NULL) {
        strbuf_append_text(out, "\noutput\n");
        schema_text_append(schema_source(type->output_schema), 2, out);
    }
}

static void build_schema(struct builder *b, struct str key, const struct schema *schema)
{
    builder_key(b, key);
    if (schema == NULL) {
        builder_null(b);
    } else {
        builder_copy(b, schema_source(schema));
    }
}

static int append_json_type(const struct node_type *type, const struct schema *settings,
                            struct strbuf *out)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("type"), type->name);
    build_text(b, STR("plugin"), type->plugin);
    builder_member_string(b, STR("risk"), type->risk);
    builder_member_string(b, STR("summary"), type->summary);
    build_text(b, STR("docs"), docs_of(type));
    builder_key(b, STR("outcomes"));
    builder_list_begin(b);
    builder_string(b, STR("success"));
    builder_string(b, STR("error"));
    for (size_t i = 0; i < type->port_count; i++) {
        builder_string(b, type->ports[i]);
    }
    builder_list_end(b);
    build_text(b, STR("outcomes_from"), type->ports_from);
    builder_member_bool(b, STR("streams"), (type->flags & NODE_TYPE_STREAMS) != 0);
    builder_member_bool(b, STR("checks"), (type->flags & NODE_TYPE_CHECKS) != 0);
    build_schema(b, STR("config_schema"), type->config_schema);
    build_schema(b, STR("settings_schema"), settings);
    build_schema(b, STR("output_schema"), type->output_schema);
    builder_map_end(b);
    struct error err = {0};
    cleanup_document struct document *description = NULL;
    if (builder_finish(b, &description, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(description), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}

static int unknown_type(struct workspace *workspace, const char *name, const struct error *err)
{
    if (err->code != E_NOT_FOUND) {
        return command_error(EXIT_USAGE, "%s", err->message);
    }
    struct suggest nearest = suggest_start(str_from(name));
    struct node_type_line line;
    for (size_t i = 0; line_at(workspace, i, &line); i++) {
        suggest_offer(&nearest, line.name);
    }
    const struct catalogue *catalogue = loop_catalogue(workspace->loop);
    struct str folders = catalogue->folders(catalogue->user);
    if (nearest.best.n > 0) {
        return command_error(EXIT_USAGE, "no node type '%s', did you mean '%.*s'? (searched: %.*s)",
                             name, STR_ARG(nearest.best), STR_ARG(folders));
    }
    return command_error(EXIT_USAGE, "no node type '%s' (searched: %.*s)", name, STR_ARG(folders));
}

static int append_one(struct workspace *workspace, const struct command_args *args,
                      struct strbuf *out)
{
    const char *name = args->operands[0];
    struct error err = {0};
    const struct node_type *type = engine_types_find(workspace->types, str_from(name), NULL);
    if (type == NULL) {
        const struct catalogue *catalogue = loop_catalogue(workspace->loop);
        type = catalogue->find_type(catalogue->user, str_from(name), &err);
    }
    if (type == NULL) {
        return unknown_type(workspace, name, &err);
    }
    const struct schema *settings = settings_of(workspace, type);
    if (command_has(args, "json")) {
        return append_json_type(type, settings, out);
    }
    append_type(type, settings, out);
    return EXIT_DONE;
}

static int append_all(struct workspace *workspace, const struct command_args *args,
                      struct strbuf *out)
{
    if (command_has(args, "json")) {
        return append_json_list(workspace, out);
    }
    append_list(workspace, out);
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    return workspace_print(args, args->operand_count > 0 ? append_one : append_all);
}

const struct command cmd_nodes = {
    .name = "nodes",
    .group = "Look at node types",
    .summary = "list the node types, or show all of one",
    .usage = "[TYPE] [--json]",
    .options = options,
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
