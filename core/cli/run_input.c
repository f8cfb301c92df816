/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/cli/command.h"
#include "core/cli/file_text.h"
#include "core/cli/terminal.h"
#include "core/model/data_text.h"
#include "core/model/pipeline.h"
#include "core/model/source.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static struct str source_of(const char *file, void *user)
{
    (void)file; /* there is one */
    return *(const struct str *)user;
}

/* All that is wrong with it is said here; then `err` says nothing. */
static int read_yaml(const char *name, struct str text, struct document **out, struct error *err)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf said = STRBUF_INIT;
    int status = data_text_read(name, text, &diagnostics, out);
    if (status == E_INVALID) {
        diagnostics_print(&diagnostics, source_of, &text,
                          terminal_has_color(STDERR_FILENO) ? DIAGNOSTIC_COLOR : 0, &said);
        terminal_write_stderr(strbuf_str(&said));
        err->code = E_INVALID;
    } else if (status != 0) {
        (void)error_nomem(err);
    }
    strbuf_finish(&said);
    diagnostics_finish(&diagnostics);
    return status;
}

static int read_input_file(const struct command_args *args, struct document **out,
                           struct error *err)
{
    const char *name = command_value(args, "input");
    if (name == NULL) {
        *out = document_empty_map();
        return 0;
    }
    cleanup_free char *text = NULL;
    cleanup_document struct document *input = NULL;
    size_t size = 0;
    int status = file_text_read(name, json_default_limits.max_bytes, &text, &size, err);
    bool is_yaml = status == 0 && !source_is_json(str_from(name), str_make(text, size));
    if (is_yaml) {
        status = read_yaml(name, str_make(text, size), &input, err);
    } else if (status == 0) {
        status = json_read(str_make(text, size), NULL, &input, err);
        error_set_place(status != 0 ? err : NULL, name, err->line, err->column);
    }
    if (status != 0) {
        return status;
    }
    if (!value_is(document_root(input), VALUE_MAP)) {
        return error_set(err, E_INVALID, "the input must be a %s", is_yaml ? "map" : "JSON object");
    }
    *out = take_pointer(&input);
    return 0;
}

/* The schema of a property, or NULL. */
static const struct value *property_schema(const struct pipeline *pipeline, struct str key)
{
    if (pipeline->input_schema == NULL) {
        return NULL;
    }
    return value_get(value_get(schema_source(pipeline->input_schema), STR("properties")), key);
}

/* `name` is one of the types that the schema's `type` (a text or a list) allows. */
static bool type_allows(const struct value *type, const char *name)
{
    bool is_list = value_is(type, VALUE_LIST);
    size_t count = is_list ? value_count(type) : 1;
    for (size_t i = 0; type != NULL && i < count; i++) {
        const struct value *item = is_list ? value_at(type, i) : type;
        if (value_is(item, VALUE_STRING) && str_equal_text(value_str(item), name)) {
            return true;
        }
    }
    return false;
}

static bool type_allows_value(const struct value *type, const struct value *value)
{
    static const char *const names[] = {
        [VALUE_NULL] = "null",     [VALUE_BOOL] = "boolean",  [VALUE_INT] = "integer",
        [VALUE_DOUBLE] = "number", [VALUE_STRING] = "string", [VALUE_LIST] = "array",
        [VALUE_MAP] = "object",
    };
    return type_allows(type, names[value_type(value)]) ||
           (value_is(value, VALUE_INT) && type_allows(type, "number"));
}

/* Without a `type`, an `enum` of texts says that text is wanted. */
static bool has_text_choices(const struct value *property)
{
    const struct value *choices = value_get(property, STR("enum"));
    for (size_t i = 0; value_is(choices, VALUE_LIST) && i < value_count(choices); i++) {
        if (!value_is(value_at(choices, i), VALUE_STRING)) {
            return false;
        }
    }
    return value_is(choices, VALUE_LIST);
}

/* The text is the value: what its schema asks for is text, and not what it would be as JSON. */
static bool is_plain_text(const struct value *property, const struct value *json)
{
    const struct value *type = value_get(property, STR("type"));
    if (type == NULL) {
        return has_text_choices(property);
    }
    if (!type_allows(type, "string")) {
        return false;
    }
    return value_is(type, VALUE_STRING) || json == NULL || !type_allows_value(type, json);
}

/* Text that is no JSON stays text, so that the schema can say what it wants instead. */
static int add_value(struct builder *b, const struct pipeline *pipeline, struct str key,
                     struct str text, struct error *err)
{
    struct error why = {0};
    cleanup_document struct document *value = NULL;
    bool is_json = json_read(text, NULL, &value, &why) == 0;
    builder_key(b, key);
    if (is_plain_text(property_schema(pipeline, key), is_json ? document_root(value) : NULL)) {
        builder_string(b, text);
        return 0;
    }
    if (is_json) {
        builder_embed(b, value, document_root(value));
        return 0;
    }
    if (text.n > 0 && (text.p[0] == '{' || text.p[0] == '[')) {
        bool may_be_text = value_get(property_schema(pipeline, key), STR("type")) == NULL;
        return error_set(err, E_INVALID, "-i %.*s: not JSON: %s (column %u)%s", STR_ARG(key),
                         why.message, why.column,
                         may_be_text ? "; put a text that begins so in double quotes" : "");
    }
    builder_string(b, text);
    return 0;
}

/* Was `key` given by a later -i? Then that one counts. */
static bool is_given(const struct command_args *args, size_t from, struct str key)
{
    const char *text = NULL;
    for (size_t i = from; (text = command_value_at(args, "set", i)) != NULL; i++) {
        const char *equals = strchr(text, '=');
        if (equals != NULL && str_equal(key, str_make(text, (size_t)(equals - text)))) {
            return true;
        }
    }
    return false;
}

static int merge_keys(const struct command_args *args, const struct pipeline *pipeline,
                      struct builder *b, struct error *err)
{
    const char *text = NULL;
    for (size_t i = 0; (text = command_value_at(args, "set", i)) != NULL; i++) {
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return error_set(err, E_INVALID, "-i '%s': write KEY=VALUE", text);
        }
        if (utf8_valid_prefix(text, strlen(text)) < strlen(text)) {
            return error_set(err, E_INVALID, "-i '%s': not UTF-8", text);
        }
        struct str key = str_make(text, (size_t)(equals - text));
        if (is_given(args, i + 1, key)) {
            continue;
        }
        int status = add_value(b, pipeline, key, str_from(equals + 1), err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static int merge_input(const struct command_args *args, const struct pipeline *pipeline,
                       const struct document *file, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    const struct value *root = document_root(file);
    for (size_t i = 0; i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        if (!is_given(args, 0, value_str(&member->key))) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, file, &member->value);
        }
    }
    int status = merge_keys(args, pipeline, b, err);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static void say_violation(const struct schema_violation *violation)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, violation->pointer.n > 0 ? "input " : "input");
    strbuf_append_str(&text, violation->pointer);
    strbuf_append_text(&text, ": ");
    strbuf_append_str(&text, violation->message);
    if (violation->suggestion.n > 0) {
        strbuf_append_text(&text, "; did you mean '");
        strbuf_append_str(&text, violation->suggestion);
        strbuf_append_text(&text, "'?");
    }
    (void)command_error(EXIT_USAGE, "%s", strbuf_str(&text).p);
    strbuf_finish(&text);
}

static int say_violations(const struct pipeline *pipeline, const struct schema_report *report)
{
    for (size_t i = 0; i < schema_report_count(report); i++) {
        say_violation(schema_report_at(report, i));
    }
    return command_error(EXIT_USAGE, "the input does not fit the schema of '%.*s' (%.*s)",
                         STR_ARG(pipeline->id), STR_ARG(pipeline->file));
}

static int check_input(const struct pipeline *pipeline, struct document *given,
                       struct document **out_input)
{
    struct error err = {0};
    if (pipeline->input_schema == NULL) {
        *out_input = document_ref(given);
        return EXIT_DONE;
    }
    cleanup_document struct document *filled = NULL;
    if (schema_fill_defaults(pipeline->input_schema, given, &filled, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    struct schema_report *report = NULL;
    int status = schema_validate(pipeline->input_schema, document_root(filled), &report, &err);
    if (status == E_INVALID && report != NULL) {
        int code = say_violations(pipeline, report);
        schema_report_destroy(report);
        return code;
    }
    if (status != 0) {
        return command_error(EXIT_USAGE, "input: %s", err.message);
    }
    *out_input = take_pointer(&filled);
    return EXIT_DONE;
}

static int say_error(const struct error *err)
{
    if (err->code == E_NOMEM) {
        return command_error(EXIT_STATE, "%s", err->message);
    }
    if (err->message[0] == '\0') {
        return EXIT_USAGE;
    }
    if (err->file[0] != '\0' && err->line > 0) {
        (void)fprintf(stderr, "%s:%u:%u: error: %s\n", err->file, err->line, err->column,
                      err->message);
        return EXIT_USAGE;
    }
    return command_error(EXIT_USAGE, "%s", err->message);
}

int run_input_read_file(const struct command_args *args, struct document **out_input)
{
    struct error err = {0};
    return read_input_file(args, out_input, &err) == 0 ? EXIT_DONE : say_error(&err);
}

int run_input_read(const struct command_args *args, const struct pipeline *pipeline,
                   struct document **out_input)
{
    struct error err = {0};
    cleanup_document struct document *file = NULL;
    cleanup_document struct document *given = NULL;
    int status = read_input_file(args, &file, &err);
    if (status == 0) {
        status = merge_input(args, pipeline, file, &given, &err);
    }
    if (status != 0) {
        return say_error(&err);
    }
    return check_input(pipeline, given, out_input);
}
