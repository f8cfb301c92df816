/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sdk/rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/log.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- What tasks tell ---- */

static struct rig_task *task_of(void *user, uint64_t token)
{
    struct rig *rig = user;
    assert_in_range(token, 0, RIG_TASKS - 1);
    return &rig->tasks[token];
}

static void note_end(struct rig_task *task, const char *what, struct str port,
                     const struct document *document)
{
    task->ends++;
    strbuf_append_text(&task->end, what);
    if (port.n > 0) {
        strbuf_append_char(&task->end, ':');
        strbuf_append_str(&task->end, port);
    }
    strbuf_append_char(&task->end, ' ');
    json_write(document_root(document), JSON_COMPACT, &task->end);
    assert_int_equal(strbuf_status(&task->end), 0);
}

static void on_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    assert_non_null(output);
    note_end(task_of(user, token), "done", port, output);
}

static void on_failed(void *user, uint64_t token, const struct document *error)
{
    assert_non_null(error);
    note_end(task_of(user, token), "failed", str_make(NULL, 0), error);
}

static void on_progress(void *user, uint64_t token, double fraction, struct str note)
{
    struct rig_task *task = task_of(user, token);
    assert_int_equal(task->ends, 0);
    task->progress_count++;
    strbuf_append_format(&task->progress, "%g %.*s;", fraction, STR_ARG(note));
}

static void on_item(void *user, uint64_t token, const struct document *item)
{
    struct rig *rig = user;
    struct rig_task *task = task_of(user, token);
    assert_int_equal(task->ends, 0);
    task->item_count++;
    if (task->item_count <= 100) {
        json_write(document_root(item), JSON_COMPACT, &task->items);
        strbuf_append_char(&task->items, ' ');
    }
    if (rig->credit > 0) {
        host_task_credit(rig->host, task->handle, rig->credit);
    }
}

static void on_given_up(void *user, uint64_t token)
{
    struct rig_task *task = task_of(user, token);
    assert_int_equal(task->ends, 0);
    task->is_given_up = true;
}

static void on_tried(void *user)
{
    struct rig *rig = user;
    rig->tried++;
    if (rig->on_tried != NULL) {
        rig->on_tried(rig);
    }
}

static void on_log(void *user, uint64_t token, int level, struct str line)
{
    struct rig_task *task = task_of(user, token);
    strbuf_append_format(&task->logs, "%s %.*s;", log_level_name((enum log_level)level),
                         STR_ARG(line));
}

/* ---- The fake HTTP service ---- */

static int http_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                     void *user, void **out_call, struct error *err)
{
    struct rig *rig = self;
    assert_in_range(rig->call_count, 0, RIG_CALLS - 1);
    if (str_starts_with(request->url, STR("ftp:"))) {
        return error_set(err, E_INVALID, "the scheme of '%.*s' is not http or https",
                         STR_ARG(request->url));
    }

    struct rig_call *call = &rig->calls[rig->call_count++];
    strbuf_append_format(&call->text, "%.*s %.*s", STR_ARG(request->method), STR_ARG(request->url));
    for (size_t i = 0; i < request->header_count; i++) {
        strbuf_append_format(&call->text, " %.*s=%.*s", STR_ARG(request->headers[i].name),
                             STR_ARG(request->headers[i].value));
    }
    strbuf_append_format(&call->text, " %.*s", STR_ARG(request->body));
    call->done = done;
    call->on_chunk = request->on_chunk;
    call->user = user;
    call->is_open = true;
    *out_call = call;
    return 0;
}

static void http_abort(void *self, void *handle)
{
    struct rig_call *call = handle;
    (void)self;
    assert_true(call->is_open);
    assert_false(call->is_aborted);
    call->is_aborted = true;
    call->is_open = false;
    struct host_http_failure failure = {
        .code = "CANCELLED", .symbol = "http.aborted", .message = STR("aborted")};
    call->done(call->user, NULL, &failure);
}

/* ---- Life ---- */

void rig_open(struct rig *rig, const struct rig_options *options)
{
    struct error err = {0};
    static const struct rig_options none = {0};
    options = options != NULL ? options : &none;
    *rig = (struct rig){.credit = 1, .settings = "{}", .memory_bytes = 7};
    (void)snprintf(rig->log_path, sizeof rig->log_path, "/tmp/opstream_rig_XXXXXX");
    rig->log_fd = mkstemp(rig->log_path);
    assert_true(rig->log_fd >= 0);
    assert_int_equal(unlink(rig->log_path), 0);
    log_set_fd(rig->log_fd);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    rig->http = (struct host_http){rig, http_send, http_abort};
    struct host_options host_options = {
        .loop = &rig->loop,
        .folders = options->folders,
        .folder_count = options->folder_count,
        .index_path = options->index_path,
        .copy_folders = {options->copy_folder},
        .events = {rig, on_done, on_failed, on_progress, on_item, on_log, on_given_up, NULL,
                   on_tried},
        .http = options->has_no_http ? NULL : &rig->http,
        .kv = options->kv,
        .budget = options->budget,
        .mail = options->mail,
        .secrets = options->secrets,
        .child_mark = options->child_mark,
        .job_threads = 4,
        .cancel_grace_ms = options->cancel_grace_ms,
    };
    if (host_open(&host_options, &rig->host, &err) != 0) {
        fail_msg("the host does not open: %s", err.message);
    }
}

void rig_open_folder(struct rig *rig, const char *folder)
{
    rig_open(rig, &(struct rig_options){.folders = &folder, .folder_count = 1});
}

static void on_closed(void *user)
{
    struct rig *rig = user;
    rig->is_closed = true;
}

void rig_close(struct rig *rig)
{
    host_close(rig->host, on_closed, rig);
    assert_true(rig->host == NULL || !rig->is_closed); /* never from inside */
    while (!rig->is_closed) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    for (size_t i = 0; i < RIG_TASKS; i++) {
        strbuf_finish(&rig->tasks[i].end);
        strbuf_finish(&rig->tasks[i].progress);
        strbuf_finish(&rig->tasks[i].logs);
        strbuf_finish(&rig->tasks[i].items);
    }
    for (size_t i = 0; i < RIG_CALLS; i++) {
        strbuf_finish(&rig->calls[i].text);
    }
    log_set_fd(STDERR_FILENO);
    strbuf_finish(&rig->log);
    (void)close(rig->log_fd);
}

/* ---- Use ---- */

/* As a template makes it of a secret. */
static void hide_member(struct document **document, const char *name)
{
    const struct value *map = document_root(*document);
    struct builder *b = builder_create();
    struct document *hidden = NULL;
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        builder_key(b, value_str(&member->key));
        builder_embed(b, *document, &member->value);
        if (name != NULL && str_equal_text(value_str(&member->key), name)) {
            builder_hide(b);
        }
    }
    builder_map_end(b);
    assert_int_equal(builder_finish(b, &hidden, NULL), 0);
    document_unref(*document);
    *document = hidden;
}

int rig_start(struct rig *rig, uint64_t token, const char *type_name, const char *config,
              struct error *err)
{
    cleanup_document struct document *document = NULL;
    cleanup_document struct document *settings = NULL;
    struct error problem = {0};
    const struct catalogue *catalogue = host_catalogue(rig->host);
    const struct node_type *type =
        catalogue->find_type(catalogue->user, str_from(type_name), &problem);
    if (type == NULL) {
        return error_copy(err, &problem);
    }
    if (json_read(str_from(config), NULL, &document, &problem) != 0) {
        fail_msg("the test's config: %s", problem.message);
    }
    hide_member(&document, rig->secret);
    if (json_read(str_from(rig->settings), NULL, &settings, &problem) != 0) {
        fail_msg("the test's settings: %s", problem.message);
    }

    struct host_task_spec spec = {
        .type = type,
        .settings = settings,
        .config = document,
        .run_id = STR("run-1"),
        .workflow = STR("flow"),
        .path = STR("node"),
        .idempotency_key = STR("key-1"),
        .attempt = 1,
        .memory_bytes = rig->memory_bytes,
        .output_bytes = rig->output_bytes,
        .wall_ms = rig->wall_ms,
        .cpu_ms = rig->cpu_ms,
        .file_bytes = rig->file_bytes,
        .open_files = rig->open_files,
        .processes = rig->processes,
        .token = token,
    };
    return host_task_start(rig->host, &spec, &task_of(rig, token)->handle, err);
}

int rig_start_check(struct rig *rig, uint64_t token, const char *type_name, const char *origin,
                    struct error *err)
{
    cleanup_document struct document *settings = NULL;
    struct error problem = {0};
    const struct catalogue *catalogue = host_catalogue(rig->host);
    const struct node_type *type =
        catalogue->find_type(catalogue->user, str_from(type_name), &problem);
    if (type == NULL) {
        return error_copy(err, &problem);
    }
    if (json_read(str_from(rig->settings), NULL, &settings, &problem) != 0) {
        fail_msg("the test's settings: %s", problem.message);
    }

    const struct host_check_spec spec = {.type = type,
                                         .settings = settings,
                                         .origin = str_from(origin),
                                         .deadline_unix_ms = 1800000000000,
                                         .token = token};
    return host_check_start(rig->host, &spec, &task_of(rig, token)->handle, err);
}

static void on_timer(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *timer)
{
    *(bool *)timer->data = true;
}

/* Turns the loop until `is_over(rig, argument)`, or `ms` have passed: false then. */
static bool turn_until(struct rig *rig, uint64_t ms, bool (*is_over)(struct rig *, uint64_t),
                       uint64_t argument)
{
    bool is_late = false;
    bool is_gone = false;
    uv_timer_t timer;
    timer.data = &is_late;
    assert_int_equal(uv_timer_init(&rig->loop, &timer), 0);
    /* Repeated: uv_run() may fire it first thing, and then wait for something else. */
    assert_int_equal(uv_timer_start(&timer, on_timer, ms, 1), 0);
    while (!is_late && (is_over == NULL || !is_over(rig, argument))) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    timer.data = &is_gone;
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (!is_gone) {
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    return !is_late;
}

static bool has_ended(struct rig *rig, uint64_t token)
{
    return rig->tasks[token].ends > 0;
}

const char *rig_wait(struct rig *rig, uint64_t token)
{
    if (!turn_until(rig, 240000, has_ended, token)) {
        fail_msg("task %d does not end", (int)token);
    }
    return rig->tasks[token].end.p;
}

const char *rig_run(struct rig *rig, uint64_t token, const char *type, const char *config)
{
    struct error err = {0};
    if (rig_start(rig, token, type, config, &err) != 0) {
        fail_msg("'%s' does not start: %s", type, err.message);
    }
    return rig_wait(rig, token);
}

static bool has_logged(struct rig *rig, uint64_t token)
{
    return rig->tasks[token].logs.n > 0;
}

void rig_wait_log(struct rig *rig, uint64_t token)
{
    if (!turn_until(rig, 240000, has_logged, token)) {
        fail_msg("task %d logs nothing", (int)token);
    }
}

void rig_turn(struct rig *rig, uint64_t ms)
{
    (void)turn_until(rig, ms, NULL, 0);
}

static bool has_calls(struct rig *rig, uint64_t count)
{
    return rig->call_count >= (int)count;
}

struct rig_call *rig_wait_call(struct rig *rig, int count)
{
    assert_true(turn_until(rig, 240000, has_calls, (uint64_t)count));
    return &rig->calls[count - 1];
}

const char *rig_log(struct rig *rig)
{
    char buffer[4096];
    off_t offset = (off_t)rig->log.n;
    ssize_t got;
    while ((got = pread(rig->log_fd, buffer, sizeof buffer, offset)) > 0) {
        strbuf_append(&rig->log, buffer, (size_t)got);
        offset += got;
    }
    return rig->log.p != NULL ? rig->log.p : "";
}

const char *rig_find(struct rig *rig, const char *type, struct error *err)
{
    const struct catalogue *catalogue = host_catalogue(rig->host);
    *err = (struct error){0};
    const struct node_type *found = catalogue->find_type(catalogue->user, str_from(type), err);
    return found != NULL ? "" : err->message;
}

void rig_expect_lacking(const char *folder, const char *type, const char *config,
                        const char *service)
{
    struct rig bare;
    struct error err = {0};
    rig_open_folder(&bare, folder);
    assert_int_not_equal(rig_start(&bare, 1, type, config, &err), 0);
    if (strstr(err.message, service) == NULL) {
        fail_msg("'%s' does not name %s", err.message, service);
    }
    rig_close(&bare);
}

void rig_expect_statuses(const char *end, const struct rig_status *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char part[64];
        (void)snprintf(part, sizeof part, "\"%s\":%d", rows[i].name, (int)rows[i].status);
        if (strstr(end, part) == NULL) {
            fail_msg("'%s' is not in '%s'", part, end);
        }
    }
}
