/* SPDX-License-Identifier: Apache-2.0 */
#include "upload.h"

#include "slack.h"
#include "step.h"

enum { FILE_BYTES = 64, NOTE_BYTES = 128 };

struct upload {
    struct step step; /* first */
    ops_str content;
    char file[FILE_BYTES];
    int is_found;
};

static const struct service_request complete_upload = {.method = "POST",
                                                       .path = "/files.completeUploadExternal"};
static const struct service_request file_info = {.method = "GET", .path = "/files.info"};

static struct upload *upload_of(const struct service_call *call)
{
    return call->user;
}

static void set_key(struct service_call *call)
{
    note_set_key(&step_of(call)->note, "file", call->key, ops_text(NULL), ops_text(NULL));
}

/* ---- The end ---- */

static void complete(struct service_call *call, ops_val file)
{
    struct upload *upload = upload_of(call);
    struct ops_map out = ops_map_begin(call->task);
    ops_val title = ops_get(file, "title");
    ops_map_text(&out, "id", upload->file);
    if (title != 0) {
        ops_map_val(&out, "title", title);
    } else {
        ops_map_null(&out, "title");
    }
    ops_map_text(&out, "channel", upload->step.channel);
    ops_map_i64(&out, "size", (int64_t)upload->content.n);
    ops_map_bool(&out, "found", upload->is_found);
    ops_complete_map(call->task, &out);
}

static void on_completed(struct service_call *call, const struct service_answer *answer)
{
    ops_val file = 0;
    (void)ops.value->at(ops.h, ops_get(answer->value, "files"), 0, &file); /* or it has no title */
    complete(call, file);
}

static void on_unnoted(struct service_call *call, ops_status status, ops_str value)
{
    (void)status; /* at worst the next attempt asks for it */
    (void)value;
    problem_fail(call, step_of(call)->problem);
}

static void on_problem(struct service_call *call, const struct problem *problem)
{
    step_of(call)->problem = problem;
    if (problem->effect != OPS_EFFECT_NONE) {
        problem_fail(call, problem);
        return;
    }
    set_key(call);
    note_remove(&step_of(call)->note, on_unnoted);
}

/* ---- The third step: it is put where it belongs ---- */

static ops_status make_body(struct service_call *call, ops_val *out)
{
    static const char *const names[] = {"thread_ts", "initial_comment"};
    struct ops_map body = ops_map_begin(call->task);
    struct ops_map file = ops_map_begin(call->task);
    ops_str title = ops_get_str(call->config, "title", NULL);
    ops_val value = 0;
    ops_val files = 0;
    ops_map_text(&file, "id", upload_of(call)->file);
    ops_map_str(&file, "title", title.n > 0 ? title : ops_get_str(call->config, "filename", NULL));
    ops_status status = ops_map_end(&file, &value);
    status = status == OPS_OK ? ops.value->new_list(ops.h, call->task, &value, 1, &files) : status;
    ops_map_made(&body, "files", status, files);
    ops_map_text(&body, "channel_id", step_of(call)->channel);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ops_str text = ops_get_str(call->config, names[i], NULL);
        if (text.n > 0) {
            ops_map_str(&body, names[i], text);
        }
    }
    return ops_map_end(&body, out);
}

static void on_noted(struct service_call *call, ops_status status, ops_str value)
{
    struct call_request out = {
        .request = &complete_upload, .on_answer = on_completed, .on_problem = on_problem};
    (void)value;
    status = status == OPS_OK ? make_body(call, &out.body) : status;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "that the file is shared could not be noted");
        return;
    }
    call_send(call, &out);
}

/* ---- The second step: its bytes ---- */

static void on_uploaded(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct service_call *call = user;
    if (res == NULL || res->status < 200 || res->status > 299) {
        ops_error e = err != NULL ? *err : ops_error_make(OPS_E_UNAVAILABLE, NULL);
        char message[96];
        if (res != NULL) {
            (void)snprintf(message, sizeof message, "Slack's store of files answered %d",
                           (int)res->status);
            e.message = ops_text(message);
            e.symbol = ops_text("slack.upload");
            e.upstream_status = res->status;
        }
        e.effect = OPS_EFFECT_NONE; /* nobody sees what is not completed */
        e.flags = OPS_ERROR_REPEATABLE;
        (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
        return;
    }
    set_key(call);
    note_put(&step_of(call)->note, ops_text(upload_of(call)->file), 0, on_noted);
}

static void on_address(struct service_call *call, const struct service_answer *answer)
{
    const ops_str names[] = {ops_text("Content-Type")};
    const ops_str values[] = {ops_text("application/octet-stream")};
    struct upload *upload = upload_of(call);
    ops_http_req req = {0};
    ops_str id = pick_str(answer->value, "file_id");
    ops_str url = pick_str(answer->value, "upload_url");
    if (id.n == 0 || id.n >= FILE_BYTES || url.n == 0) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    step_copy(upload->file, sizeof upload->file, id);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = url;
    req.header_names = names;
    req.header_values = values;
    req.n_headers = 1;
    req.body = upload->content;
    req.on_done = on_uploaded;
    req.user = call;
    ops_status status = ops.http->send(ops.h, call->task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the call cannot be started");
    }
}

/* ---- The first step: where to ---- */

static void ask_address(struct service_call *call)
{
    static const char *const names[] = {"filename", "alt_txt=alt_text", "snippet_type"};
    struct text query = {NULL, 0, 0, 0};
    char length[48];
    (void)snprintf(length, sizeof length, "length=%llu",
                   (unsigned long long)upload_of(call)->content.n);
    text_append_literal(&query, length);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *equals = strchr(names[i], '=');
        ops_str value = ops_get_str(call->config, equals != NULL ? equals + 1 : names[i], NULL);
        if (value.n > 0) {
            text_append_literal(&query, "&");
            text_append(&query, names[i],
                        equals != NULL ? (size_t)(equals - names[i]) : strlen(names[i]));
            text_append_literal(&query, "=");
            text_append_encoded(&query, value, TEXT_QUERY);
        }
    }
    call_send(call, &(struct call_request){.request = &call->operation->request,
                                           .query = text_str(&query),
                                           .on_answer = on_address});
    text_finish(&query);
}

/* ---- Later attempts ---- */

static void fail_unknown(struct service_call *call, const struct problem *why)
{
    char message[512];
    ops_error e = ops_error_make(OPS_E_UPSTREAM, NULL);
    (void)snprintf(message, sizeof message,
                   "whether an earlier attempt has shared this file in %s is not known: the answer "
                   "was lost, and it cannot be asked for: %.*s",
                   step_of(call)->channel, (int)why->message.n, why->message.p);
    e.message = ops_text(message);
    e.symbol = ops_text("slack.unknown");
    e.hint = ops_text("look into the channel; so that this can be found out give the app the scope "
                      "files:read");
    e.effect = OPS_EFFECT_MAYBE;
    e.retry = OPS_RETRY_NO;
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
}

static void on_info(struct service_call *call, const struct service_answer *answer)
{
    ops_val file = ops_get(answer->value, "file");
    uint64_t shares = ops.value->count(ops.h, ops_get(file, "channels")) +
                      ops.value->count(ops.h, ops_get(file, "groups")) +
                      ops.value->count(ops.h, ops_get(file, "ims"));
    if (shares == 0) {
        ask_address(call);
        return;
    }
    upload_of(call)->is_found = 1;
    complete(call, file);
}

static void on_no_info(struct service_call *call, const struct problem *problem)
{
    if (problem->code == OPS_E_NOT_FOUND) {
        ask_address(call); /* what was not completed is no file */
    } else if (problem->code == OPS_E_PERMISSION) {
        fail_unknown(call, problem);
    } else {
        problem_fail(call, problem);
    }
}

static void on_earlier(struct service_call *call, ops_status status, ops_str value)
{
    struct text query = {NULL, 0, 0, 0};
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "what an earlier attempt has done could not be read");
        return;
    }
    if (value.n == 0) {
        ask_address(call);
        return;
    }
    step_copy(upload_of(call)->file, FILE_BYTES, value);
    text_append_literal(&query, "file=");
    text_append_encoded(&query, value, TEXT_QUERY);
    call_send(call, &(struct call_request){.request = &file_info,
                                           .query = text_str(&query),
                                           .on_answer = on_info,
                                           .on_problem = on_no_info});
    text_finish(&query);
}

/* The bytes of `content`, or of base64 where the config says so. 0: the task has failed. */
static int read_content(struct service_call *call, ops_str *out)
{
    ops_str said = ops_get_str(call->config, "content", NULL);
    if (!ops_equal(ops_get_str(call->config, "encoding", "utf-8"), "base64")) {
        *out = said;
        return 1;
    }
    struct text bytes = {NULL, 0, 0, 0};
    void *memory = NULL;
    int is_read = text_append_unbase64(&bytes, said) && !bytes.failed;
    if (is_read && bytes.n > 0 && ops.value->alloc(ops.h, call->task, bytes.n, &memory) == OPS_OK) {
        memcpy(memory, bytes.p, bytes.n);
        *out = ops_slice(memory, bytes.n);
    }
    text_finish(&bytes);
    if (!is_read) {
        problem_fail_config(call, "content", "is no base64");
    }
    return is_read;
}

void upload_execute(struct service_call *call)
{
    struct upload *upload = step_make(call, sizeof *upload);
    if (upload == NULL) {
        return;
    }
    step_copy(upload->step.channel, sizeof upload->step.channel,
              ops_get_str(call->config, "channel", NULL));
    if (!read_content(call, &upload->content)) {
        return;
    }
    if (upload->content.n == 0) {
        problem_fail_config(call, "content", "is empty, and Slack takes no empty files");
    } else if (call->attempt > 1) {
        set_key(call);
        note_get(&upload->step.note, on_earlier);
    } else {
        ask_address(call);
    }
}
