/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

void reply_begin(struct reply *reply)
{
    memset(reply, 0, sizeof *reply);
    reply->usage = (struct usage){-1, -1, -1};
    reply->answer_index = -1;
}

void reply_finish(struct reply *reply)
{
    text_finish(&reply->model);
    text_finish(&reply->text);
    text_finish(&reply->refusal);
    for (uint64_t i = 0; i < reply->n_tool_calls; i++) {
        text_finish(&reply->tool_calls[i].id);
        text_finish(&reply->tool_calls[i].name);
        text_finish(&reply->tool_calls[i].arguments);
    }
    reply_begin(reply);
}

int reply_has_failed(const struct reply *reply)
{
    int has_failed = reply->model.failed || reply->text.failed || reply->refusal.failed;
    for (uint64_t i = 0; i < reply->n_tool_calls; i++) {
        const struct tool_call *call = &reply->tool_calls[i];
        has_failed |= call->id.failed || call->name.failed || call->arguments.failed;
    }
    return has_failed;
}

struct tool_call *reply_tool_call(struct reply *reply, int64_t index)
{
    for (uint64_t i = 0; i < reply->n_tool_calls; i++) {
        if (reply->tool_calls[i].index == index) {
            return &reply->tool_calls[i];
        }
    }
    if (reply->n_tool_calls == REPLY_MAX_TOOL_CALLS) {
        reply->is_over = 1;
        return NULL;
    }
    struct tool_call *call = &reply->tool_calls[reply->n_tool_calls++];
    call->index = index;
    return call;
}

const char *reply_finish_name(enum finish finish)
{
    switch (finish) {
    case FINISH_STOP:
        return "stop";
    case FINISH_LENGTH:
        return "length";
    case FINISH_TOOL_CALLS:
        return "tool_calls";
    case FINISH_FILTER:
        return "content_filter";
    case FINISH_REFUSED:
        return "refused";
    case FINISH_UNKNOWN:
        break;
    }
    return "";
}

static int64_t add(int64_t a, int64_t b)
{
    return a < 0 || b < 0 || a > INT64_MAX - b ? -1 : a + b;
}

struct usage usage_add(struct usage a, struct usage b)
{
    struct usage sum = {add(a.input_tokens, b.input_tokens), add(a.output_tokens, b.output_tokens),
                        add(a.cached_tokens, b.cached_tokens)};
    return sum;
}

int64_t usage_read(ops_val from, const char *key, int64_t otherwise)
{
    int64_t n = ops_get_i64(from, key, -1);
    return n >= 0 ? n : otherwise;
}
