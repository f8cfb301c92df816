/* SPDX-License-Identifier: Apache-2.0 */
#include "post.h"

#include <stdlib.h>

#include "message/moment.h"
#include "slack.h"
#include "step.h"

enum { NOTE_BYTES = 512 };

struct post {
    struct step step; /* first */
    char thread_ts[STEP_TS_BYTES];
    char ts[STEP_TS_BYTES];
    char posted_to[SLACK_CHANNEL_BYTES]; /* the channel's id, as Slack gives it */
    int is_found;                        /* an earlier attempt has posted it */
    int is_digest;                       /* it has no content of its own */
    char place[SLACK_CHANNEL_BYTES];     /* as it was named, for the gate */
    struct gate gate;
};

const char *const post_body[] = {
    "reply_broadcast", "unfurl_links", "unfurl_media", "username", "icon_emoji", "icon_url", NULL};

static struct post *post_of(const struct service_call *call)
{
    return call->user;
}

/* ---- The end ---- */

static void add_text(struct ops_map *out, const char *key, const char *text)
{
    if (text[0] != '\0') {
        ops_map_text(out, key, text);
    } else {
        ops_map_null(out, key);
    }
}

/* `reason` is why it was not sent, or "". */
static void complete_as(struct service_call *call, const char *reason)
{
    struct post *post = post_of(call);
    struct ops_map out = ops_map_begin(call->task);
    char until[MOMENT_BYTES] = "";
    int is_held = post->gate.verdict == GATE_HELD;
    if (is_held) {
        moment_write(post->gate.until_ms, until);
    }
    ops_map_bool(&out, "sent", reason[0] == '\0');
    ops_map_text(&out, "channel",
                 post->posted_to[0] != '\0' ? post->posted_to : post->step.talk.channel);
    add_text(&out, "ts", post->ts);
    add_text(&out, "thread_ts", post->thread_ts);
    add_text(&out, "reason", reason);
    add_text(&out, "until", until);
    ops_map_bool(&out, "kept", is_held && post->gate.is_kept);
    ops_map_bool(&out, "found", post->is_found);
    ops_map_bool(&out, "shortened", post->step.content.is_cut);
    ops_complete_map(call->task, &out);
}

static void on_confirmed(struct gate *gate, void *user)
{
    (void)gate;
    complete_as(user, "");
}

static void complete(struct service_call *call)
{
    gate_confirm(&post_of(call)->gate, on_confirmed, call);
}

static void on_thread_noted(struct service_call *call, ops_status status, ops_str value)
{
    (void)value;
    if (status != OPS_OK && status != OPS_E_CONFLICT) {
        ops_log_text(call->task, OPS_LOG_WARN, "which thread it began could not be noted");
    }
    complete(call);
}

static ops_str thread_name(const struct service_call *call)
{
    return ops_get_str(call->config, "thread", NULL);
}

static void set_thread_key(struct service_call *call)
{
    ops_task_info info = {.size = sizeof info};
    struct step *step = step_of(call);
    (void)ops.exec->info(ops.h, call->task, &info);
    note_set_key(&step->note, "thread", info.run_id, ops_text(step->talk.channel),
                 thread_name(call));
}

static void on_posted_noted(struct service_call *call, ops_status status, ops_str value)
{
    struct post *post = post_of(call);
    char text[NOTE_BYTES];
    (void)value;
    if (status != OPS_OK) {
        ops_log_text(call->task, OPS_LOG_WARN, "that the message was posted could not be noted");
    }
    if (thread_name(call).n == 0 || post->thread_ts[0] != '\0') {
        complete(call);
        return;
    }
    (void)snprintf(text, sizeof text, "%s %s", post->posted_to, post->ts);
    set_thread_key(call);
    note_put(&post->step.note, ops_text(text), 1, on_thread_noted);
}

/* It is there: posted now, or by an earlier attempt. */
static void note_posted(struct service_call *call, ops_str channel, ops_str ts)
{
    struct post *post = post_of(call);
    char text[NOTE_BYTES];
    step_copy(post->posted_to, sizeof post->posted_to, channel);
    step_copy(post->ts, sizeof post->ts, ts);
    (void)snprintf(text, sizeof text, "done %s %s %s", post->posted_to, post->ts, post->thread_ts);
    note_set_key(&post->step.note, "post", call->key, ops_text(NULL), ops_text(NULL));
    note_put(&post->step.note, ops_text(text), 0, on_posted_noted);
}

static void on_unnoted(struct service_call *call, ops_status status, ops_str value)
{
    (void)status; /* at worst the next attempt looks for what is not there */
    (void)value;
    problem_fail(call, step_of(call)->problem);
}

static void on_problem(struct service_call *call, const struct problem *problem)
{
    struct step *step = step_of(call);
    step->problem = problem;
    if (problem->effect != OPS_EFFECT_NONE) {
        problem_fail(call, problem);
        return;
    }
    note_set_key(&step->note, "post", call->key, ops_text(NULL), ops_text(NULL));
    note_remove(&step->note, on_unnoted);
}

/* ---- Sending ---- */

void post_add_body(struct service_call *call, struct ops_map *body)
{
    struct post *post = post_of(call);
    struct ops_map metadata = ops_map_begin(call->task);
    struct ops_map payload = ops_map_begin(call->task);
    ops_val value = 0;
    ops_map_text(body, "channel", post->step.talk.channel);
    if (post->step.content.text != 0) {
        ops_map_val(body, "text", post->step.content.text);
    }
    if (post->step.content.blocks != 0) {
        ops_map_val(body, "blocks", post->step.content.blocks);
    }
    if (post->thread_ts[0] != '\0') {
        ops_map_text(body, "thread_ts", post->thread_ts);
    }
    ops_map_str(&payload, "key", call->key);
    ops_status status = ops_map_end(&payload, &value);
    ops_map_made(&metadata, "event_payload", status, value);
    ops_map_text(&metadata, "event_type", SLACK_SEEK_EVENT);
    status = ops_map_end(&metadata, &value);
    ops_map_made(body, "metadata", status, value);
}

static void on_sent(struct service_call *call, const struct service_answer *answer)
{
    ops_str ts = pick_str(answer->value, "ts");
    ops_str channel = pick_str(answer->value, "channel");
    if (ts.n == 0 || channel.n == 0) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    note_posted(call, channel, ts);
}

static void on_begun(struct service_call *call, ops_status status, ops_str value)
{
    struct call_request out = {
        .request = &call->operation->request, .on_answer = on_sent, .on_problem = on_problem};
    (void)value;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status,
                      "that a message is sent could not be noted, so it is not");
        return;
    }
    status = call_make_body(call, out.request, &out.body);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    call_send(call, &out);
}

static void begin(struct service_call *call)
{
    struct post *post = post_of(call);
    char text[NOTE_BYTES];
    (void)snprintf(text, sizeof text, "begun %lld %s %s",
                   (long long)(ops.timer->unix_ms(ops.h) / 1000), post->step.talk.channel,
                   post->thread_ts);
    note_set_key(&post->step.note, "post", call->key, ops_text(NULL), ops_text(NULL));
    note_put(&post->step.note, ops_text(text), 0, on_begun);
}

/* "CHANNEL TS", of the first message under this name. */
static void on_thread(struct service_call *call, ops_status status, ops_str value)
{
    struct post *post = post_of(call);
    const char *space = value.n > 0 ? memchr(value.p, ' ', (size_t)value.n) : NULL;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "which thread it belongs to could not be read");
        return;
    }
    if (space != NULL) {
        uint64_t n = (uint64_t)(space - value.p);
        step_copy(post->step.talk.channel, sizeof post->step.talk.channel, ops_slice(value.p, n));
        step_copy(post->thread_ts, sizeof post->thread_ts, ops_slice(space + 1, value.n - n - 1));
    }
    begin(call);
}

static void find_thread(struct service_call *call)
{
    if (thread_name(call).n == 0 || post_of(call)->thread_ts[0] != '\0') {
        begin(call);
        return;
    }
    set_thread_key(call);
    note_get(&step_of(call)->note, on_thread);
}

/* ---- The gate ---- */

static void on_asked(struct gate *gate, void *user)
{
    struct service_call *call = user;
    struct post *post = post_of(call);
    if (gate->verdict == GATE_FAILED) {
        ops_fail_text(call->task, gate->status, "what was sent of late could not be read");
    } else if (gate->verdict != GATE_PASS) {
        complete_as(call, gate->verdict == GATE_HELD    ? gate->reason
                          : gate->verdict == GATE_EMPTY ? "nothing_held_back"
                                                        : "repeated");
    } else {
        gate->is_digest_left = gate->digest.n > 0 &&
                               !compose_add_digest(call, &post->step.content, gate->digest);
        find_thread(call);
    }
}

/* What is the same for all attempts. */
static struct gate_message gate_message_of(struct service_call *call)
{
    struct post *post = post_of(call);
    ops_val dedupe = ops_get(call->config, "dedupe");
    uint64_t window_ms = text_read_duration_ms(ops_get_str(dedupe, "window", "1h"));
    return (struct gate_message){.place = ops_text(post->place),
                                 .severity = ops_get_str(call->config, "severity", "info"),
                                 .text = post->step.content.plain,
                                 .key = call->key,
                                 .dedupe = ops_get_str(dedupe, "key", NULL),
                                 .dedupe_ms = window_ms,
                                 .is_digest = post->is_digest,
                                 .is_forced = ops_get_bool(call->config, "now", 0)};
}

static void ask_gate(struct service_call *call)
{
    struct gate *gate = &post_of(call)->gate;
    struct gate_message message = gate_message_of(call);
    gate_ask(gate, &message, on_asked, call);
}

/* ---- Later attempts ---- */

static void fail_unknown(struct service_call *call, const struct problem *why)
{
    char message[768];
    ops_error e = ops_error_make(OPS_E_UPSTREAM, NULL);
    (void)snprintf(message, sizeof message,
                   "whether an earlier attempt has posted this message to %s is not known: the "
                   "answer was lost, and it cannot be looked for%s%.*s",
                   step_of(call)->talk.channel, why != NULL ? ": " : ": no such channel is listed",
                   why != NULL ? (int)why->message.n : 0, why != NULL ? why->message.p : "");
    e.message = ops_text(message);
    e.symbol = ops_text("slack.unknown");
    e.hint =
        ops_text("look into the channel; so that this can be found out give the app the scopes "
                 "channels:read and channels:history (groups:... for private channels)");
    e.effect = OPS_EFFECT_MAYBE;
    e.retry = OPS_RETRY_NO;
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
}

static void on_sought(struct service_call *call, enum slack_seek_result result, ops_str channel,
                      ops_str ts, const struct problem *problem)
{
    if (result == SLACK_SEEK_UNKNOWN) {
        fail_unknown(call, problem);
    } else if (result == SLACK_SEEK_FAILED) {
        problem_fail(call, problem);
    } else if (result == SLACK_SEEK_NONE) {
        ask_gate(call);
    } else {
        post_of(call)->is_found = 1;
        note_posted(call, channel, ts);
    }
}

/* "done CHANNEL TS THREAD" or "begun SECONDS CHANNEL THREAD"; the thread may be empty. */
static void on_noted(struct service_call *call, ops_status status, ops_str value)
{
    struct post *post = post_of(call);
    char text[NOTE_BYTES];
    char *parts[4] = {NULL, NULL, NULL, NULL};
    char *rest = text;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "what an earlier attempt has done could not be read");
        return;
    }
    step_copy(text, sizeof text, value);
    for (size_t i = 0; i < 4; i++) {
        parts[i] = rest;
        rest += strcspn(rest, " ");
        rest += *rest != '\0' ? (*rest = '\0', 1) : 0;
    }
    if (strcmp(parts[0], "done") == 0) {
        post->is_found = 1;
        step_copy(post->thread_ts, sizeof post->thread_ts, ops_text(parts[3]));
        note_posted(call, ops_text(parts[1]), ops_text(parts[2]));
    } else if (strcmp(parts[0], "begun") == 0) {
        step_copy(post->step.talk.channel, sizeof post->step.talk.channel, ops_text(parts[2]));
        step_copy(post->thread_ts, sizeof post->thread_ts, ops_text(parts[3]));
        post->step.talk.seek = (struct slack_seek){.call = call,
                                                   .channel = ops_text(post->step.talk.channel),
                                                   .thread_ts = ops_text(post->thread_ts),
                                                   .since_s = strtoll(parts[1], NULL, 10),
                                                   .done = on_sought};
        slack_seek_start(&post->step.talk.seek);
    } else {
        ask_gate(call);
    }
}

static void start(struct service_call *call)
{
    struct post *post = post_of(call);
    const struct slack_settings *settings = call->node->own;
    step_copy(post->place, sizeof post->place, ops_text(post->step.talk.channel));
    post->gate.task = call->task;
    post->gate.rules = &settings->rules;
    post->gate.message = gate_message_of(call);
    if (post->gate.message.dedupe.n > 0 && post->gate.message.dedupe_ms == 0) {
        problem_fail_config(call, "dedupe", "has a 'window' that is no time, such as \"30m\"");
        return;
    }
    if (call->attempt > 1) {
        note_set_key(&post->step.note, "post", call->key, ops_text(NULL), ops_text(NULL));
        note_get(&post->step.note, on_noted);
    } else {
        ask_gate(call);
    }
}

void post_execute(struct service_call *call)
{
    struct post *post = step_make(call, sizeof *post);
    if (post == NULL) {
        return;
    }
    step_copy(post->thread_ts, sizeof post->thread_ts,
              ops_get_str(call->config, "thread_ts", NULL));
    if (slack_choose_channel(call, post->step.talk.channel, sizeof post->step.talk.channel) &&
        compose_read(call, &post->step.content)) {
        start(call);
    }
}

void post_execute_digest(struct service_call *call)
{
    struct post *post = step_make(call, sizeof *post);
    if (post == NULL) {
        return;
    }
    post->is_digest = 1;
    if (slack_choose_channel(call, post->step.talk.channel, sizeof post->step.talk.channel)) {
        start(call);
    }
}
