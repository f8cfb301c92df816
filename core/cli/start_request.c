/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/start_request.h"

#include "core/base/error.h"
#include "core/cli/brought_env.h"
#include "core/cli/command.h"
#include "core/cli/run_input.h"
#include "core/loop/loop.h"
#include "core/model/bundle.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Of a definition that only lacks what is not set: what the input lacks is told in the same go. */
static void tell_input(struct start_request *request, const struct command_args *args)
{
    struct workspace *workspace = &request->workspace;
    struct workspace_file again;
    struct document *input = NULL;
    workspace->problems = builder_create(); /* they were told: nobody looks at these */
    if (workspace->problems == NULL) {
        return;
    }
    builder_list_begin(workspace->problems);
    int code = workspace_load(workspace, args->operands[0], 0, &again);
    builder_destroy(workspace->problems);
    workspace->problems = NULL;
    if (code == EXIT_DONE && again.definitions->count == 1 &&
        again.definitions->pipelines[0] != NULL) {
        (void)run_input_read(args, again.definitions->pipelines[0], &input); /* it has told */
    }
    document_unref(input);
    workspace_file_finish(&again);
}

int start_request_prepare(struct start_request *request, const struct command_args *args)
{
    const struct workspace_opening opening = {.tape = request->tape};
    int code = workspace_open_with(&request->workspace, args, &opening);
    request->workspace.leaves_secrets = request->has_engine;
    if (code == EXIT_DONE) {
        code = workspace_load(&request->workspace, args->operands[0], LOAD_START, &request->file);
        if (code == EXIT_INVALID) {
            tell_input(request, args);
        }
    }
    if (code == EXIT_DONE) {
        code = workspace_pick(&request->file, &request->pipeline);
    }
    if (code == EXIT_DONE) {
        code = run_input_read(args, request->pipeline, &request->input);
    }
    if (code == EXIT_DONE) {
        code = run_events_read(args, &request->events);
    }
    if (code == EXIT_DONE) {
        code = workspace_load_plugins(&request->workspace, &request->file, request->pipeline);
    }
    return code;
}

int start_request_bundle(struct start_request *request)
{
    struct error err = {0};
    if (workspace_bundle(&request->file, &request->bundle, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    bundle_digest(strbuf_str(&request->bundle), request->digest);
    return EXIT_DONE;
}

/* ---- the body ---- */

static void add_text(struct strbuf *out, const char *key, struct str text)
{
    strbuf_append_format(out, "%s\"%s\":", out->n > 1 ? "," : "", key);
    json_write_string(text, out);
}

static int add_environment(struct start_request *request, struct error *err)
{
    struct bundle *bundle = NULL;
    int status = bundle_read(strbuf_str(&request->bundle), &bundle, err);
    if (status != 0) {
        return status;
    }
    strbuf_append_char(&request->body, ',');
    brought_env_write(bundle, &request->body);
    bundle_destroy(bundle);
    return 0;
}

static void add_events(struct start_request *request)
{
    struct strbuf *out = &request->body;
    strbuf_append_text(out, ",\"events\":[");
    for (size_t i = 0; i < request->events.count; i++) {
        const struct loop_event *event = &request->events.items[i];
        strbuf_append_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_write_string(event->name, out);
        if (event->data != NULL) {
            strbuf_append_text(out, ",\"data\":");
            json_write(document_root(event->data), JSON_COMPACT, out);
        }
        strbuf_append_char(out, '}');
    }
    strbuf_append_char(out, ']');
}

int start_request_write(struct start_request *request, struct str key)
{
    struct error err = {0};
    struct strbuf *out = &request->body;
    strbuf_append_char(out, '{');
    add_text(out, "bundle", strbuf_str(&request->bundle));
    add_text(out, "workflow", request->pipeline->id);
    strbuf_append_text(out, ",\"input\":");
    json_write(document_root(request->input), JSON_COMPACT, out);
    if (key.n > 0) {
        add_text(out, "key", key);
    }
    add_events(request);
    int status = add_environment(request, &err);
    strbuf_append_char(out, '}');
    if (status == 0 && strbuf_status(out) != 0) {
        status = error_nomem(&err);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

void start_request_finish(struct start_request *request)
{
    workspace_finish(&request->workspace);
    workspace_file_finish(&request->file);
    run_events_finish(&request->events);
    document_unref(request->input);
    strbuf_finish(&request->bundle);
    strbuf_finish(&request->body);
}
