/* SPDX-License-Identifier: Apache-2.0 */
#include "upload.h"

#include "slack.h"
#include "step.h"

struct upload {
    struct step step; /* first */
    struct slack_file file;
    int is_found;
};

static struct upload *upload_of(const struct service_call *call)
{
    return call->user;
}

static void set_key(struct service_call *call)
{
    note_set_key(&step_of(call)->note, "file", call->key, ops_text(NULL), ops_text(NULL));
}

/* ---- The end ---- */

static void complete(struct service_call *call)
{
    struct upload *upload = upload_of(call);
    struct ops_map out = ops_map_begin(call->task);
    ops_val title = upload->step.talk.share.title;
    ops_map_text(&out, "id", upload->file.id);
    if (title != 0) {
        ops_map_val(&out, "title", title);
    } else {
        ops_map_null(&out, "title");
    }
    ops_map_text(&out, "channel", upload->step.talk.channel);
    ops_map_i64(&out, "size", (int64_t)upload->file.bytes.n);
    ops_map_bool(&out, "found", upload->is_found);
    ops_complete_map(call->task, &out);
}

static void on_unnoted(struct service_call *call, ops_status status, ops_str value)
{
    (void)status; /* at worst the next attempt asks for it */
    (void)value;
    problem_fail(call, step_of(call)->problem);
}

static void on_shown(struct service_call *call, const struct problem *problem)
{
    step_of(call)->problem = problem;
    if (problem == NULL) {
        complete(call);
    } else if (problem->effect != OPS_EFFECT_NONE) {
        problem_fail(call, problem);
    } else {
        set_key(call);
        note_remove(&step_of(call)->note, on_unnoted);
    }
}

/* ---- The steps ---- */

static void on_noted(struct service_call *call, ops_status status, ops_str value)
{
    (void)value;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "that the file is shared could not be noted");
        return;
    }
    slack_share_show(call, ops_text(step_of(call)->talk.channel),
                     ops_get_str(call->config, "thread_ts", NULL),
                     ops_get_str(call->config, "initial_comment", NULL), on_shown);
}

static void on_uploaded(struct service_call *call, const struct problem *problem)
{
    if (problem != NULL) {
        problem_fail(call, problem);
        return;
    }
    set_key(call);
    note_put(&step_of(call)->note, ops_text(upload_of(call)->file.id), 0, on_noted);
}

/* ---- Later attempts ---- */

static void fail_unknown(struct service_call *call, const struct problem *why)
{
    char message[512];
    ops_error e = ops_error_make(OPS_E_UPSTREAM, NULL);
    (void)snprintf(message, sizeof message,
                   "whether an earlier attempt has shared this file in %s is not known: the answer "
                   "was lost, and it cannot be asked for: %.*s",
                   step_of(call)->talk.channel, (int)why->message.n, why->message.p);
    e.message = ops_text(message);
    e.symbol = ops_text("slack.unknown");
    e.hint = ops_text("look into the channel; so that this can be found out give the app the scope "
                      "files:read");
    e.effect = OPS_EFFECT_MAYBE;
    e.retry = OPS_RETRY_NO;
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
}

static void on_sought(struct service_call *call, const struct problem *problem)
{
    const struct slack_share *share = &step_of(call)->talk.share;
    if (problem != NULL && share->is_unknowable) {
        fail_unknown(call, problem);
    } else if (problem != NULL) {
        problem_fail(call, problem);
    } else if (share->is_shown) {
        upload_of(call)->is_found = 1;
        complete(call);
    } else {
        slack_share_upload(call, on_uploaded);
    }
}

static void on_earlier(struct service_call *call, ops_status status, ops_str value)
{
    struct slack_file *file = &upload_of(call)->file;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "what an earlier attempt has done could not be read");
        return;
    }
    if (value.n == 0) {
        slack_share_upload(call, on_uploaded);
        return;
    }
    step_copy(file->id, sizeof file->id, value);
    slack_share_find(call, ops_text(file->id), on_sought);
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
    step_copy(upload->step.talk.channel, sizeof upload->step.talk.channel,
              ops_get_str(call->config, "channel", NULL));
    upload->file = (struct slack_file){
        .name = ops_get_str(call->config, "filename", NULL),
        .title = ops_get_str(call->config, "title", NULL),
        .alt_text = ops_get_str(call->config, "alt_text", NULL),
        .snippet_type = ops_get_str(call->config, "snippet_type", NULL),
    };
    upload->step.talk.share.files = &upload->file;
    upload->step.talk.share.n = 1;
    if (!read_content(call, &upload->file.bytes)) {
        return;
    }
    if (upload->file.bytes.n == 0) {
        problem_fail_config(call, "content", "is empty, and Slack takes no empty files");
    } else if (call->attempt > 1) {
        set_key(call);
        note_get(&upload->step.note, on_earlier);
    } else {
        slack_share_upload(call, on_uploaded);
    }
}
