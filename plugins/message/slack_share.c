/* SPDX-License-Identifier: Apache-2.0 */
#include "message/slack_share.h"

#include "message/slack_talk.h"

static const struct service_request get_address = {.method = "GET",
                                                   .path = "/files.getUploadURLExternal"};
static const struct service_request complete_upload = {.method = "POST",
                                                       .path = "/files.completeUploadExternal"};
static const struct service_request file_info = {.method = "GET", .path = "/files.info"};

static struct slack_share *share_of(const struct service_call *call)
{
    return &slack_talk_of(call)->share;
}

static void on_problem(struct service_call *call, const struct problem *problem)
{
    share_of(call)->done(call, problem);
}

/* ---- Their bytes ---- */

static void ask_address(struct service_call *call);

/* Nobody sees what is not completed. */
static void on_refused(struct service_call *call, const ops_http_res *res, const ops_error *err)
{
    struct problem *problem = ops_task_alloc(call->task, sizeof *problem);
    char *message = ops_task_alloc(call->task, 256);
    if (problem == NULL || message == NULL) {
        return; /* the task has failed */
    }
    problem->code = err != NULL ? err->code : OPS_E_UNAVAILABLE;
    problem->symbol = "upload";
    problem->hint = "";
    problem->effect = OPS_EFFECT_NONE;
    if (res != NULL) {
        problem->status = res->status;
        (void)snprintf(message, 256, "Slack's store of files answered %d", (int)res->status);
    } else {
        problem->retry = err->retry;
        problem->retry_after_ms = err->retry_after_ms;
        (void)snprintf(message, 256, "%.*s", (int)(err->message.n < 255 ? err->message.n : 255),
                       err->message.n > 0 ? err->message.p : "");
    }
    problem->message = ops_text(message);
    share_of(call)->done(call, problem);
}

static void on_uploaded(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct service_call *call = user;
    struct slack_share *share = share_of(call);
    (void)task;
    if (res == NULL || res->status < 200 || res->status > 299) {
        on_refused(call, res, err);
    } else if (++share->at < share->n) {
        ask_address(call);
    } else {
        share->done(call, NULL);
    }
}

static void on_address(struct service_call *call, const struct service_answer *answer)
{
    const ops_str names[] = {ops_text("Content-Type")};
    const ops_str values[] = {ops_text("application/octet-stream")};
    struct slack_file *file = &share_of(call)->files[share_of(call)->at];
    ops_http_req req = {0};
    ops_str id = pick_str(answer->value, "file_id");
    ops_str url = pick_str(answer->value, "upload_url");
    if (id.n == 0 || id.n >= sizeof file->id || url.n == 0) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    (void)snprintf(file->id, sizeof file->id, "%.*s", (int)id.n, id.p);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = url;
    req.header_names = names;
    req.header_values = values;
    req.n_headers = 1;
    req.body = file->bytes;
    req.on_done = on_uploaded;
    req.user = call;
    ops_status status = ops.http->send(ops.h, call->task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the call cannot be started");
    }
}

static void append_pair(struct text *query, const char *name, ops_str value)
{
    if (value.n > 0) {
        text_append_literal(query, name);
        text_append_encoded(query, value, TEXT_QUERY);
    }
}

static void ask_address(struct service_call *call)
{
    const struct slack_file *file = &share_of(call)->files[share_of(call)->at];
    struct text query = {NULL, 0, 0, 0};
    char length[48];
    (void)snprintf(length, sizeof length, "length=%llu", (unsigned long long)file->bytes.n);
    text_append_literal(&query, length);
    append_pair(&query, "&filename=", file->name);
    append_pair(&query, "&alt_txt=", file->alt_text);
    append_pair(&query, "&snippet_type=", file->snippet_type);
    call_send(call, &(struct call_request){.request = &get_address,
                                           .query = text_str(&query),
                                           .on_answer = on_address,
                                           .on_problem = on_problem});
    text_finish(&query);
}

void slack_share_upload(struct service_call *call, slack_share_cb done)
{
    share_of(call)->done = done;
    share_of(call)->at = 0;
    ask_address(call);
}

/* ---- They are put where they belong ---- */

static void on_shown(struct service_call *call, const struct service_answer *answer)
{
    struct slack_share *share = share_of(call);
    ops_val file = 0;
    (void)ops.value->at(ops.h, ops_get(answer->value, "files"), 0, &file); /* or it has no title */
    share->title = ops_get(file, "title");
    share->done(call, NULL);
}

static ops_status make_files(struct service_call *call, ops_val *out)
{
    enum { FILES_MAX = 32 };
    const struct slack_share *share = share_of(call);
    ops_val values[FILES_MAX];
    ops_status status = share->n <= FILES_MAX ? OPS_OK : OPS_E_RESOURCE;
    for (size_t i = 0; i < share->n && status == OPS_OK; i++) {
        const struct slack_file *file = &share->files[i];
        struct ops_map map = ops_map_begin(call->task);
        ops_map_text(&map, "id", file->id);
        ops_map_str(&map, "title", file->title.n > 0 ? file->title : file->name);
        status = ops_map_end(&map, &values[i]);
    }
    return status == OPS_OK ? ops.value->new_list(ops.h, call->task, values, share->n, out)
                            : status;
}

void slack_share_show(struct service_call *call, ops_str channel, ops_str thread_ts,
                      ops_str comment, slack_share_cb done)
{
    struct call_request out = {
        .request = &complete_upload, .on_answer = on_shown, .on_problem = on_problem};
    struct ops_map body = ops_map_begin(call->task);
    ops_val files = 0;
    share_of(call)->done = done;
    ops_status status = make_files(call, &files);
    ops_map_made(&body, "files", status, files);
    ops_map_str(&body, "channel_id", channel);
    if (thread_ts.n > 0) {
        ops_map_str(&body, "thread_ts", thread_ts);
    }
    if (comment.n > 0) {
        ops_map_str(&body, "initial_comment", comment);
    }
    status = ops_map_end(&body, &out.body);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    call_send(call, &out);
}

/* ---- Whether they were ---- */

static void on_info(struct service_call *call, const struct service_answer *answer)
{
    ops_val file = ops_get(answer->value, "file");
    uint64_t shares = ops.value->count(ops.h, ops_get(file, "channels")) +
                      ops.value->count(ops.h, ops_get(file, "groups")) +
                      ops.value->count(ops.h, ops_get(file, "ims"));
    share_of(call)->is_shown = shares > 0;
    share_of(call)->done(call, NULL);
}

static void on_no_info(struct service_call *call, const struct problem *problem)
{
    struct slack_share *share = share_of(call);
    share->is_unknowable = problem->code == OPS_E_PERMISSION;
    /* what was not completed is no file */
    share->done(call, problem->code == OPS_E_NOT_FOUND ? NULL : problem);
}

void slack_share_find(struct service_call *call, ops_str id, slack_share_cb done)
{
    struct text query = {NULL, 0, 0, 0};
    struct slack_share *share = share_of(call);
    share->done = done;
    share->is_shown = 0;
    share->is_unknowable = 0;
    append_pair(&query, "file=", id);
    call_send(call, &(struct call_request){.request = &file_info,
                                           .query = text_str(&query),
                                           .on_answer = on_info,
                                           .on_problem = on_no_info});
    text_finish(&query);
}
