/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include "instance.h"

enum { DEFAULT_MAX_TOKENS = 1000 };

static const double default_temperature = 0.7;

static int refuse(struct question_fault *fault, const char *path, const char *message)
{
    fault->path = path;
    fault->message = message;
    return 0;
}

ops_str question_model(const struct ops_node *node, ops_val config)
{
    ops_str model = ops_get_str(config, "model", NULL);
    return model.n > 0 ? model : text_str(&node->model);
}

/* null stands for "the service's own". */
static double read_temperature(ops_val config)
{
    ops_val v = ops_get(config, "temperature");
    return ops.value->type(ops.h, v) == OPS_TYPE_NULL
               ? TEMPERATURE_UNSET
               : ops_get_f64(config, "temperature", default_temperature);
}

int question_read(const struct ops_node *node, ops_val config, struct question *out,
                  struct question_fault *fault)
{
    struct question question = {
        .model = question_model(node, config),
        .system = ops_get_str(config, "system", NULL),
        .prompt = ops_get_str(config, "prompt", NULL),
        .images = ops_get(config, "images"),
        .messages = ops_get(config, "messages"),
        .stop = ops_get(config, "stop"),
        .tools = ops_get(config, "tools"),
        .schema = ops_get(config, "response_schema"),
        .temperature = read_temperature(config),
        .has_own_temperature = ops_get(config, "temperature") != 0,
        .max_tokens = ops_get_i64(config, "max_tokens", DEFAULT_MAX_TOKENS),
        .is_streamed = ops_get_bool(config, "stream", 0),
    };
    if (question.model.n == 0) {
        return refuse(fault, "/model", "name a model here, or in 'integrations.llm'");
    }
    if ((question.prompt.n > 0) == (question.messages != 0)) {
        return refuse(fault, "/prompt", "give either 'prompt' or 'messages'");
    }
    if (question.images != 0 && question.messages != 0) {
        return refuse(fault, "/images", "images go with 'prompt'; in 'messages', into a message");
    }
    *out = question;
    return 1;
}

/* ---- Messages ---- */

/* A text as it is, other values as JSON: what a tool gave, for example. */
static ops_str content_of(ops_val message)
{
    ops_val content = ops_get(message, "content");
    ops_str s = {NULL, 0};
    if (ops.value->get_str(ops.h, content, &s) != OPS_OK && content != 0 &&
        ops.value->type(ops.h, content) != OPS_TYPE_NULL) {
        (void)ops.value->to_json(ops.h, content, &s); /* out of memory: the empty text */
    }
    return s;
}

static enum role role_of(ops_str name)
{
    return ops_equal(name, "system")      ? ROLE_SYSTEM
           : ops_equal(name, "assistant") ? ROLE_ASSISTANT
           : ops_equal(name, "tool")      ? ROLE_TOOL
                                          : ROLE_USER;
}

static uint64_t own_count(const struct question *question)
{
    return question->messages != 0 ? ops.value->count(ops.h, question->messages) : 1;
}

static struct message read_message(ops_val list, uint64_t i)
{
    struct message message = {.role = ROLE_USER};
    ops_val from = 0;
    if (ops.value->at(ops.h, list, i, &from) == OPS_OK) {
        message.role = role_of(ops_get_str(from, "role", NULL));
        message.content = content_of(from);
        message.images = ops_get(from, "images");
        message.tool_calls = ops_get(from, "tool_calls");
        message.tool_call_id = ops_get_str(from, "tool_call_id", NULL);
        message.tool_name = ops_get_str(from, "name", NULL);
    }
    return message;
}

uint64_t question_count(const struct question *question)
{
    return ops.value->count(ops.h, question->history) + own_count(question) +
           (question->complaint.n > 0 ? 2 : 0);
}

struct message question_message(const struct question *question, uint64_t i)
{
    struct message message = {.role = ROLE_USER};
    uint64_t before = ops.value->count(ops.h, question->history);
    uint64_t n = own_count(question);
    if (i < before) {
        return read_message(question->history, i);
    }
    i -= before;
    if (i >= n) {
        message.role = i == n ? ROLE_ASSISTANT : ROLE_USER;
        message.content = i == n ? question->answered : question->complaint;
    } else if (question->messages == 0) {
        message.content = question->prompt;
        message.images = question->images;
    } else {
        return read_message(question->messages, i);
    }
    return message;
}

ops_str question_item(ops_val list, uint64_t i)
{
    ops_val item = 0;
    ops_str s = {NULL, 0};
    if (ops.value->at(ops.h, list, i, &item) == OPS_OK) {
        (void)ops.value->get_str(ops.h, item, &s); /* not a text: the empty one */
    }
    return s;
}

int question_read_data_url(ops_str url, ops_str *media_type, ops_str *base64)
{
    static const char mark[] = ";base64,";
    enum { MARK = sizeof mark - 1, SCHEME = 5 };
    if (url.n < SCHEME || memcmp(url.p, "data:", SCHEME) != 0) {
        return 0;
    }
    for (uint64_t i = SCHEME; i + MARK <= url.n; i++) {
        if (memcmp(url.p + i, mark, MARK) == 0) {
            *media_type = ops_slice(url.p + SCHEME, i - SCHEME);
            *base64 = ops_slice(url.p + i + MARK, url.n - i - MARK);
            return 1;
        }
    }
    return 0;
}
