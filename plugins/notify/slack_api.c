/* SPDX-License-Identifier: Apache-2.0 */
#include "slack_api.h"

#include <stdio.h>
#include <stdlib.h>

#include "delivery.h"
#include "message/slack_answers.h"
#include "message/slack_talk.h"
#include "slack.h"

enum { TS_BYTES = 64, NOTED_BYTES = 512, SYMBOL_BYTES = 64 };

/* In the task's memory. */
struct slack_api {
    struct slack_talk talk; /* first */
    struct service_call call;
    struct ops_node node;
    struct delivery *delivery;
    char ts[TS_BYTES];                   /* of the message */
    char posted_to[SLACK_CHANNEL_BYTES]; /* the channel's id */
    char file[SLACK_FILE_ID_BYTES];      /* the first that an earlier attempt may have shown */
    char noted[NOTED_BYTES];
};

static const struct service_operation operations[] = {
    {.type = "notify.send",
     .request = {.method = "POST", .path = "/chat.postMessage"},
     .flags = SERVICE_REPEATABLE},
};

static const struct service slack_service = {
    .id = "notify",
    .name = "Slack",
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .operations = operations,
    .judge = slack_answers_judge,
    .add_words = slack_answers_add_words,
};

static struct slack_api *api_of(const struct service_call *call)
{
    return call->user;
}

static void copy(char *out, size_t size, ops_str s)
{
    (void)snprintf(out, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.n > 0 ? s.p : "");
}

/* ---- the end ---- */

static void fail(struct service_call *call, const struct problem *problem)
{
    char symbol[SYMBOL_BYTES];
    ops_error err = ops_error_make(problem->code, NULL);
    int is_whole = strchr(problem->symbol, '.') != NULL;
    (void)snprintf(symbol, sizeof symbol, "%s%s", is_whole ? "" : "notify.", problem->symbol);
    err.message = problem->message;
    err.symbol = ops_text(symbol);
    err.hint = ops_text(problem->hint != NULL         ? problem->hint
                        : problem->code == OPS_E_AUTH ? "set a valid 'token': the Bot User OAuth "
                                                        "Token (xoxb-...) of the app"
                                                      : NULL);
    err.effect = api_of(call)->ts[0] != '\0' ? OPS_EFFECT_MAYBE : problem->effect;
    err.retry = problem->retry;
    err.retry_after_ms = problem->retry_after_ms;
    err.upstream_status = problem->status;
    delivery_fail(api_of(call)->delivery, &err);
}

static void succeed(struct service_call *call)
{
    struct slack_api *api = api_of(call);
    delivery_copy(api->delivery->id, sizeof api->delivery->id, ops_text(api->ts));
    delivery_succeed(api->delivery);
}

/* ---- the files are shown ---- */

static void on_shown(struct service_call *call, const struct problem *problem)
{
    if (problem != NULL) {
        fail(call, problem);
    } else {
        succeed(call);
    }
}

static void on_posted_noted(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct slack_api *api = user;
    (void)task;
    (void)entry;
    if (status != OPS_OK) {
        ops_error err = ops_error_make(status, "that the message is there cannot be kept in the "
                                               "state, so its files are not shown");
        err.symbol = ops_text("notify.state");
        err.effect = OPS_EFFECT_MAYBE;
        delivery_fail(api->delivery, &err);
        return;
    }
    slack_share_show(&api->call, ops_text(api->posted_to), ops_text(api->ts), ops_text(NULL),
                     on_shown);
}

/* "posted CHANNEL TS FILE" */
static void show_files(struct service_call *call)
{
    struct slack_api *api = api_of(call);
    if (api->talk.share.n == 0) {
        succeed(call);
        return;
    }
    (void)snprintf(api->noted, sizeof api->noted, "posted %s %s %s", api->posted_to, api->ts,
                   api->talk.share.files[0].id);
    delivery_note(api->delivery, api->noted, on_posted_noted, api);
}

/* ---- the message ---- */

static void on_posted(struct service_call *call, const struct service_answer *answer)
{
    struct slack_api *api = api_of(call);
    ops_str ts = pick_str(answer->value, "ts");
    ops_str channel = pick_str(answer->value, "channel");
    if (ts.n == 0 || channel.n == 0) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    copy(api->ts, sizeof api->ts, ts);
    copy(api->posted_to, sizeof api->posted_to, channel);
    show_files(call);
}

/* Its metadata has the key that a later attempt looks for. */
static ops_status make_body(const struct slack_api *api, ops_val *out)
{
    const struct note *note = &api->delivery->note;
    struct ops_map body = ops_map_begin(note->task);
    struct ops_map metadata = ops_map_begin(note->task);
    struct ops_map payload = ops_map_begin(note->task);
    ops_val value = 0;
    ops_map_text(&body, "channel", api->talk.channel);
    ops_map_str(&payload, "key", note->key);
    ops_status status = ops_map_end(&payload, &value);
    ops_map_made(&metadata, "event_payload", status, value);
    ops_map_text(&metadata, "event_type", SLACK_SEEK_EVENT);
    status = ops_map_end(&metadata, &value);
    ops_map_made(&body, "metadata", status, value);
    status = slack_add_message(note, &body);
    return status == OPS_OK ? ops_map_end(&body, out) : status;
}

static void post(struct service_call *call)
{
    struct slack_api *api = api_of(call);
    struct call_request out = {
        .request = &operations[0].request, .on_answer = on_posted, .on_problem = fail};
    ops_status status = make_body(api, &out.body);
    if (status != OPS_OK) {
        delivery_fail_text(api->delivery, status, "notify.request",
                           "the message could not be made");
        return;
    }
    call_send(call, &out);
}

static void on_uploaded(struct service_call *call, const struct problem *problem)
{
    if (problem != NULL) {
        fail(call, problem);
    } else if (api_of(call)->ts[0] != '\0') {
        show_files(call); /* an earlier attempt has posted the message */
    } else {
        post(call);
    }
}

static void upload(struct service_call *call)
{
    if (api_of(call)->talk.share.n > 0) {
        slack_share_upload(call, on_uploaded);
    } else {
        on_uploaded(call, NULL);
    }
}

/* ---- later attempts ---- */

static void fail_unknown(struct service_call *call, const struct problem *why)
{
    struct slack_api *api = api_of(call);
    delivery_fail_unknown(api->delivery, "cannot be looked for",
                          why != NULL ? why->message : ops_text("no such channel is listed"),
                          "look there; so that this can be found out give the app the scopes "
                          "channels:read, channels:history (groups:... for private channels) and "
                          "files:read; with 'when_unknown: repeat' it is sent again, and may come "
                          "twice");
}

static void on_found(struct service_call *call, enum slack_seek_result result, ops_str channel,
                     ops_str ts, const struct problem *problem)
{
    struct slack_api *api = api_of(call);
    int is_repeatable = api->delivery->note.is_repeatable;
    if (result == SLACK_SEEK_FAILED) {
        fail(call, problem);
    } else if (result == SLACK_SEEK_UNKNOWN && !is_repeatable) {
        fail_unknown(call, problem);
    } else if (result == SLACK_SEEK_FOUND) {
        copy(api->ts, sizeof api->ts, ts);
        copy(api->posted_to, sizeof api->posted_to, channel);
        upload(call); /* none of its files is shown yet */
    } else {
        delivery_ask(api->delivery); /* it is as if it had not been tried */
    }
}

static void on_file(struct service_call *call, const struct problem *problem)
{
    const struct slack_share *share = &api_of(call)->talk.share;
    int is_repeatable = api_of(call)->delivery->note.is_repeatable;
    if (problem != NULL && share->is_unknowable && !is_repeatable) {
        fail_unknown(call, problem);
    } else if (problem != NULL && !share->is_unknowable) {
        fail(call, problem);
    } else if (share->is_shown) {
        succeed(call);
    } else {
        upload(call);
    }
}

/* "begun SECONDS" or "posted CHANNEL TS FILE" */
static void go_on(struct slack_api *api, ops_str noted)
{
    struct service_call *call = &api->call;
    copy(api->noted, sizeof api->noted, noted);
    _Static_assert(SLACK_CHANNEL_BYTES == 256 && TS_BYTES == 64 && SLACK_FILE_ID_BYTES == 64,
                   "what is read below fits");
    if (sscanf(api->noted, "posted %255s %63s %63s", api->posted_to, api->ts, api->file) == 3) {
        slack_share_find(call, ops_text(api->file), on_file);
        return;
    }
    api->talk.seek =
        (struct slack_seek){.call = call,
                            .channel = ops_text(api->talk.channel),
                            .since_s = strtoll(api->noted + strlen("begun "), NULL, 10),
                            .done = on_found};
    slack_seek_start(&api->talk.seek);
}

/* ---- the beginning ---- */

/* 0: the task has failed. */
static int read_files(struct slack_api *api)
{
    const struct note *note = &api->delivery->note;
    struct slack_share *share = &api->talk.share;
    if (note->n_files == 0) {
        return 1;
    }
    share->files = ops_task_alloc(note->task, note->n_files * sizeof *share->files);
    for (uint64_t i = 0; share->files != NULL && i < note->n_files; i++) {
        share->files[i].name = note->files[i].name;
        share->files[i].bytes = note->files[i].bytes;
        share->n = i + 1;
    }
    return share->files != NULL;
}

/* 0: the task has failed. */
static int set_base_url(struct slack_api *api)
{
    ops_str base = ops_get_str(api->delivery->target.settings, "base_url", "https://slack.com/api");
    uint64_t n = base.n - (base.n > 0 && base.p[base.n - 1] == '/');
    char *memory = ops_task_alloc(api->delivery->note.task, n + 1);
    if (memory != NULL) {
        memcpy(memory, base.p, (size_t)n);
        api->node.base_url = (struct text){.p = memory, .n = (size_t)n, .cap = (size_t)n + 1};
    }
    return memory != NULL;
}

void slack_api_send(struct delivery *delivery, ops_str noted)
{
    const struct note *note = &delivery->note;
    ops_val settings = delivery->target.settings;
    struct slack_api *api = ops_task_alloc(note->task, sizeof *api);
    if (api == NULL) {
        return;
    }
    api->delivery = delivery;
    api->node.service = &slack_service;
    api->node.token = ops_with_prefix(note->task, "Bearer ", ops_get(settings, "token"));
    api->call = (struct service_call){.node = &api->node,
                                      .operation = &operations[0],
                                      .task = note->task,
                                      .key = note->key,
                                      .attempt = note->attempt,
                                      .user = api};
    copy(api->talk.channel, sizeof api->talk.channel, ops_get_str(settings, "channel", NULL));
    if (api->node.token == 0) { /* the schema has seen to it that there is one */
        ops_fail_text(note->task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    if (!read_files(api) || !set_base_url(api)) {
        return;
    }
    if (noted.n > 0) {
        go_on(api, noted);
    } else {
        upload(&api->call);
    }
}

/* ---- the channel ---- */

static ops_status ask(ops_task task, ops_val settings, struct channel_request *out)
{
    ops_str base = ops_get_str(settings, "base_url", "https://slack.com/api");
    struct text url = {0};
    text_append(&url, base.p, (size_t)base.n - (base.n > 0 && base.p[base.n - 1] == '/'));
    text_append_literal(&url, "/auth.test");
    ops_status status = url.failed ? OPS_E_RESOURCE
                                   : ops.value->new_str(ops.h, task, text_str(&url), &out->url);
    text_finish(&url);
    out->names[0] = ops_text("Authorization");
    out->values[0] = ops_with_prefix(task, "Bearer ", ops_get(settings, "token"));
    out->n_headers = 1;
    return out->values[0] != 0 ? status : OPS_E_RESOURCE;
}

/* Of the answer to that: what it says against it is about the token. */
static ops_status judge(ops_task task, const ops_http_res *res, char word[CHANNEL_WORD_BYTES],
                        const char **hint)
{
    ops_val answer = 0;
    (void)hint;
    if (ops.value->from_json(ops.h, task, res->body, &answer, NULL) != OPS_OK) {
        (void)snprintf(word, CHANNEL_WORD_BYTES, "what is no answer of Slack");
        return OPS_E_UPSTREAM;
    }
    delivery_copy(word, CHANNEL_WORD_BYTES, ops_get_str(answer, "error", "no error"));
    return ops_get_bool(answer, "ok", 0) ? OPS_OK : OPS_E_AUTH;
}

static const char *refuse(const struct note *note, ops_val settings)
{
    (void)settings;
    for (uint64_t i = 0; i < note->n_files; i++) {
        if (note->files[i].bytes.n == 0) {
            return "is of Slack, which takes no empty files";
        }
    }
    return NULL;
}

const struct channel channel_slack_api = {
    .name = "slack",
    .word = "Slack",
    .send = slack_api_send,
    .judge = judge,
    .ask = ask,
    .refuse = refuse,
};
