/* SPDX-License-Identifier: Apache-2.0 */
#include "message/slack_seek.h"

#include "message/slack_talk.h"

enum { MOST_PAGES = 10, SLACK_SECONDS = 120 };

static const struct service_request list_channels = {.method = "GET",
                                                     .path = "/conversations.list"};
static const struct service_request history = {.method = "GET", .path = "/conversations.history"};
static const struct service_request replies = {.method = "GET", .path = "/conversations.replies"};

/* Slack's clock may not be ours. */
static void append_window(struct slack_seek *seek, struct text *query)
{
    char numbers[96];
    int64_t oldest = seek->since_s - SLACK_SECONDS;
    (void)snprintf(numbers, sizeof numbers, "&limit=200&include_all_metadata=true&oldest=%lld",
                   (long long)(oldest > 0 ? oldest : 0));
    text_append_literal(query, numbers);
}

static void append_cursor(struct slack_seek *seek, struct text *query)
{
    if (seek->cursor[0] != '\0') {
        text_append_literal(query, "&cursor=");
        text_append_encoded(query, ops_text(seek->cursor), TEXT_QUERY);
    }
}

/* Notes where the next page begins; 0: there is none, or enough were read. */
static int note_cursor(struct slack_seek *seek, const struct service_answer *answer)
{
    ops_str next = pick_str(answer->value, "response_metadata.next_cursor");
    int has_next = next.n > 0 && next.n < sizeof seek->cursor && ++seek->pages < MOST_PAGES;
    (void)snprintf(seek->cursor, sizeof seek->cursor, "%.*s", has_next ? (int)next.n : 0,
                   has_next ? next.p : "");
    return has_next;
}

static void end(struct slack_seek *seek, enum slack_seek_result result, ops_str ts,
                const struct problem *problem)
{
    seek->done(seek->call, result, ops_text(seek->id), ts, problem);
}

static struct slack_seek *seek_of(struct service_call *call)
{
    return &slack_talk_of(call)->seek;
}

/* What is not to be waited for is told as such. */
static void on_problem(struct service_call *call, const struct problem *problem)
{
    int is_final = problem->code == OPS_E_PERMISSION || problem->code == OPS_E_NOT_FOUND;
    end(seek_of(call), is_final ? SLACK_SEEK_UNKNOWN : SLACK_SEEK_FAILED, ops_text(NULL), problem);
}

static void ask(struct slack_seek *seek, const struct service_request *request, struct text *query,
                service_answer_cb on_answer)
{
    append_cursor(seek, query);
    call_send(seek->call, &(struct call_request){.request = request,
                                                 .query = text_str(query),
                                                 .on_answer = on_answer,
                                                 .on_problem = on_problem});
    text_finish(query);
}

/* ---- Messages ---- */

static int is_ours(const struct slack_seek *seek, ops_val message)
{
    ops_str key = pick_str(message, "metadata.event_payload.key");
    return ops_equal(pick_str(message, "metadata.event_type"), SLACK_SEEK_EVENT) &&
           key.n == seek->call->key.n && key.n > 0 &&
           memcmp(key.p, seek->call->key.p, (size_t)key.n) == 0;
}

static void look(struct slack_seek *seek);

static void on_messages(struct service_call *call, const struct service_answer *answer)
{
    struct slack_seek *seek = seek_of(call);
    ops_val messages = ops_get(answer->value, "messages");
    for (uint64_t i = 0; i < ops.value->count(ops.h, messages); i++) {
        ops_val message = 0;
        if (ops.value->at(ops.h, messages, i, &message) == OPS_OK && is_ours(seek, message)) {
            end(seek, SLACK_SEEK_FOUND, pick_str(message, "ts"), NULL);
            return;
        }
    }
    if (note_cursor(seek, answer)) {
        look(seek);
    } else {
        end(seek, SLACK_SEEK_NONE, ops_text(NULL), NULL);
    }
}

static void look(struct slack_seek *seek)
{
    struct text query = {NULL, 0, 0, 0};
    int is_thread = seek->thread_ts.n > 0;
    text_append_literal(&query, "channel=");
    text_append_encoded(&query, ops_text(seek->id), TEXT_QUERY);
    if (is_thread) {
        text_append_literal(&query, "&ts=");
        text_append_encoded(&query, seek->thread_ts, TEXT_QUERY);
    }
    append_window(seek, &query);
    ask(seek, is_thread ? &replies : &history, &query, on_messages);
}

/* ---- The channel's id ---- */

static void find_id(struct slack_seek *seek);

static void on_channels(struct service_call *call, const struct service_answer *answer)
{
    struct slack_seek *seek = seek_of(call);
    ops_val channels = ops_get(answer->value, "channels");
    int has_mark = seek->channel.p[0] == '#';
    ops_str wanted = ops_slice(seek->channel.p + has_mark, seek->channel.n - (uint64_t)has_mark);
    for (uint64_t i = 0; i < ops.value->count(ops.h, channels); i++) {
        ops_val channel = 0;
        (void)ops.value->at(ops.h, channels, i, &channel); /* it is there */
        ops_str name = pick_str(channel, "name");
        ops_str id = pick_str(channel, "id");
        if (name.n == wanted.n && name.n > 0 && id.n < sizeof seek->id &&
            memcmp(name.p, wanted.p, (size_t)name.n) == 0) {
            (void)snprintf(seek->id, sizeof seek->id, "%.*s", (int)id.n, id.p);
            seek->cursor[0] = '\0';
            seek->pages = 0;
            look(seek);
            return;
        }
    }
    if (note_cursor(seek, answer)) {
        find_id(seek);
        return;
    }
    end(seek, SLACK_SEEK_UNKNOWN, ops_text(NULL), NULL);
}

static void find_id(struct slack_seek *seek)
{
    struct text query = {NULL, 0, 0, 0};
    text_append_literal(&query, "limit=1000&exclude_archived=true"
                                "&types=public_channel,private_channel");
    ask(seek, &list_channels, &query, on_channels);
}

/* "C012AB3CD" and the like; names of channels have small letters. */
static int is_id(ops_str channel)
{
    for (uint64_t i = 0; i < channel.n; i++) {
        char c = channel.p[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
            return 0;
        }
    }
    return channel.n > 1;
}

void slack_seek_start(struct slack_seek *seek)
{
    if (!is_id(seek->channel)) {
        find_id(seek);
        return;
    }
    (void)snprintf(seek->id, sizeof seek->id, "%.*s", (int)seek->channel.n, seek->channel.p);
    look(seek);
}
