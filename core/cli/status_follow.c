/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/status_follow.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/id.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/run_pipelines.h"
#include "core/cli/run_show.h"
#include "core/cli/run_watch.h"
#include "core/cli/state_owner.h"
#include "core/cli/workspace.h"
#include "core/loop/state_folder.h"
#include "core/value/value.h"

/* One look. */
struct look {
    struct workspace workspace;
    struct state_hold hold;
    struct run_pipelines pipelines;
    struct run_show show;
    struct document *definition; /* {digest, source, ...} */
    const struct command_args *args;
    const struct engine_launch *launch; /* NULL: who looks starts no engine */
    char id[ID_TEXT_SIZE];              /* of the run that somebody started */
};

static struct str text_of(const struct document *document, const char *key)
{
    const struct value *value = value_get(document_root(document), str_from(key));
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

/* A run has one definition, and its child runs have the same. */
static int fetch(void *user, struct str digest, struct strbuf *out_source, struct error *err)
{
    const struct look *look = user;
    if (!str_equal(text_of(look->definition, "digest"), digest)) {
        return error_set(err, E_NOT_FOUND, "its definition is not there");
    }
    strbuf_append_str(out_source, text_of(look->definition, "source"));
    return strbuf_status(out_source) == 0 ? 0 : error_nomem(err);
}

static int init_show(struct look *look, const struct document *root)
{
    struct error err = {0};
    const struct pipeline *pipeline = NULL;
    int status = run_pipelines_find(&look->pipelines, text_of(look->definition, "digest"),
                                    text_of(root, "workflow"), &pipeline, &err);
    if (status == 0) {
        const struct run_show_options options = {.kind = run_show_choose(look->args),
                                                 .pipeline = pipeline};
        status = run_show_init(&look->show, &options);
        status = status == 0 ? 0 : error_nomem(&err);
    }
    return status == 0 ? EXIT_DONE
                       : command_error(EXIT_STATE,
                                       "this run cannot be shown here: %s; 'opstream status' "
                                       "without --follow can",
                                       err.message);
}

/* The folder alone: who looks never takes its lock. */
static int open_folder(struct look *look)
{
    struct error err = {0};
    const struct state_folder_options options = {.path = command_value(look->args, "state"),
                                                 .use = STATE_FOLDER_EXISTING};
    look->hold.role = STATE_ROLE_CLIENT;
    return state_folder_open(&options, &look->hold.folder, &err) == 0
               ? EXIT_DONE
               : command_error(EXIT_STATE, "%s", err.message);
}

static int launch(void *user, struct error *err)
{
    const struct look *look = user;
    return engine_launch_start(look->launch, look->hold.folder, command_value(look->args, "config"),
                               err);
}

static int watch(struct look *look)
{
    const struct run_watch_options options = {.workspace = &look->workspace,
                                              .hold = &look->hold,
                                              .show = &look->show,
                                              .pipelines = &look->pipelines,
                                              .id = str_from(look->id),
                                              .launch = look->launch != NULL ? launch : NULL,
                                              .user = look};
    int code = run_watch(&options);
    return code == EXIT_DONE ? run_show_print_end(&look->show, NULL, 0) : code;
}

static int follow(struct look *look, struct engine_session *session)
{
    cleanup_document struct document *root = NULL;
    int code = engine_command_get_job(session, look->id, "", STR("steps=false"), &root);
    if (code == EXIT_DONE) {
        code = engine_command_get_job(session, look->id, "/definition", STR(""), &look->definition);
    }
    if (code == EXIT_DONE) {
        code = workspace_open(&look->workspace, look->args);
    }
    if (code == EXIT_DONE) {
        look->pipelines =
            (struct run_pipelines){.workspace = &look->workspace, .fetch = fetch, .user = look};
        code = init_show(look, root);
    }
    if (code == EXIT_DONE) {
        code = open_folder(look);
    }
    return code == EXIT_DONE ? watch(look) : code;
}

int status_follow(struct engine_session *session, const struct command_args *args,
                  const struct document *job, const struct engine_launch *launch_with)
{
    struct look look = {.args = args, .launch = launch_with};
    struct str id = text_of(job, "id");
    const char *slash = id.n > 0 ? memchr(id.p, '/', id.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - id.p) : id.n;
    (void)snprintf(look.id, sizeof(look.id), "%.*s", (int)n, id.p);
    int code = follow(&look, session);
    run_show_finish(&look.show);
    run_pipelines_finish(&look.pipelines);
    workspace_finish(&look.workspace);
    state_hold_finish(&look.hold);
    document_unref(look.definition);
    return code;
}
