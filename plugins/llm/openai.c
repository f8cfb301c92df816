/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The API of OpenAI, chat completions and embeddings, which many services and servers of models
 * speak. `max_tokens` is what all of them know; OpenAI's models that think first want
 * max_completion_tokens and take no temperature: they are sent none but the config's own.
 */

#include "instance.h"
#include "messages.h"
#include "provider.h"

static int accepts(const struct question *question, struct question_fault *fault)
{
    (void)question;
    (void)fault;
    return 1;
}

/* ---- The question ---- */

static int begins_with(ops_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

/* "o1", "o3-mini", "gpt-5": models that think before they answer. */
static int is_thinking(ops_str model)
{
    int is_o = model.n >= 2 && model.p[0] == 'o' && model.p[1] >= '1' && model.p[1] <= '9' &&
               (model.n == 2 || model.p[2] == '-');
    return is_o || begins_with(model, "gpt-5");
}

static void write_parts(struct body *body, const struct message *message)
{
    body_open(body, "content", '[');
    if (message->content.n > 0) {
        body_open(body, NULL, '{');
        body_text(body, "type", "text");
        body_str(body, "text", message->content);
        body_close(body, '}');
    }
    uint64_t n = ops.value->count(ops.h, message->images);
    for (uint64_t i = 0; i < n; i++) {
        body_open(body, NULL, '{');
        body_text(body, "type", "image_url");
        body_open(body, "image_url", '{');
        body_str(body, "url", question_item(message->images, i));
        body_close(body, '}');
        body_close(body, '}');
    }
    body_close(body, ']');
}

static void write_tool_calls(struct body *body, ops_val calls)
{
    uint64_t n = ops.value->count(ops.h, calls);
    body_open(body, "tool_calls", '[');
    for (uint64_t i = 0; i < n; i++) {
        ops_val call = 0;
        (void)ops.value->at(ops.h, calls, i, &call); /* i is below the count */
        body_open(body, NULL, '{');
        body_str(body, "id", ops_get_str(call, "id", NULL));
        body_text(body, "type", "function");
        body_open(body, "function", '{');
        body_str(body, "name", ops_get_str(call, "name", NULL));
        body_json_str(body, "arguments", ops_get(call, "arguments"));
        body_close(body, '}');
        body_close(body, '}');
    }
    body_close(body, ']');
}

static void write_message(struct body *body, const struct message *message)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    body_open(body, NULL, '{');
    body_text(body, "role", roles[message->role]);
    if (ops.value->count(ops.h, message->images) > 0) {
        write_parts(body, message);
    } else {
        body_str(body, "content", message->content);
    }
    if (ops.value->count(ops.h, message->tool_calls) > 0) {
        write_tool_calls(body, message->tool_calls);
    }
    if (message->role == ROLE_TOOL) {
        body_str(body, "tool_call_id", message->tool_call_id);
    }
    body_close(body, '}');
}

/* Whether all of `map`'s keys stand in the list `names`. */
static int names_all(ops_val map, ops_val names)
{
    uint64_t n = ops.value->count(ops.h, map);
    uint64_t listed = ops.value->count(ops.h, names);
    for (uint64_t i = 0; i < n; i++) {
        ops_str key = {NULL, 0};
        int is_listed = 0;
        (void)ops.value->pair(ops.h, map, i, &key, NULL); /* i is below the count */
        for (uint64_t k = 0; k < listed && !is_listed; k++) {
            ops_str name = question_item(names, k);
            is_listed = name.n == key.n && memcmp(name.p, key.p, (size_t)key.n) == 0;
        }
        if (!is_listed) {
            return 0;
        }
    }
    return 1;
}

static int is_strict(ops_val schema);

static int are_strict(ops_val schemas)
{
    int is_map = ops.value->type(ops.h, schemas) == OPS_TYPE_MAP;
    uint64_t n = ops.value->count(ops.h, schemas);
    for (uint64_t i = 0; i < n; i++) {
        ops_val schema = 0;
        (void)(is_map ? ops.value->pair(ops.h, schemas, i, NULL, &schema)
                      : ops.value->at(ops.h, schemas, i, &schema)); /* i is below the count */
        if (!is_strict(schema)) {
            return 0;
        }
    }
    return 1;
}

/*
 * OpenAI's strict mode, in which an answer cannot break the schema, wants each object to say that
 * it has no other members and that all are required. Other schemas are hints, checked afterwards.
 */
static int is_strict(ops_val schema)
{
    ops_val properties = ops_get(schema, "properties");
    ops_str type = ops_get_str(schema, "type", NULL);
    if (ops.value->type(ops.h, schema) != OPS_TYPE_MAP) {
        return 0;
    }
    if ((properties != 0 || ops_equal(type, "object")) &&
        (properties == 0 || ops_get_bool(schema, "additionalProperties", 1) ||
         !names_all(properties, ops_get(schema, "required")))) {
        return 0;
    }
    ops_val items = ops_get(schema, "items");
    return (items == 0 || is_strict(items)) && are_strict(properties) &&
           are_strict(ops_get(schema, "anyOf")) && are_strict(ops_get(schema, "$defs"));
}

static void write_format(struct body *body, const struct ops_node *node, ops_val schema)
{
    if (node->structured == STRUCTURED_PROMPT) {
        return;
    }
    body_open(body, "response_format", '{');
    if (node->structured == STRUCTURED_JSON) {
        body_text(body, "type", "json_object");
    } else {
        body_text(body, "type", "json_schema");
        body_open(body, "json_schema", '{');
        body_text(body, "name", "answer");
        body_val(body, "schema", schema);
        body_bool(body, "strict",
                  ops_equal(ops_get_str(schema, "type", NULL), "object") && is_strict(schema));
        body_close(body, '}');
    }
    body_close(body, '}');
}

static void write_chat(struct body *body, const struct ops_node *node,
                       const struct question *question)
{
    int is_thinking_model = is_thinking(question->model);
    body_open(body, NULL, '{');
    body_str(body, "model", question->model);
    messages_write(body, question, write_message);
    body_i64(body, is_thinking_model ? "max_completion_tokens" : "max_tokens",
             question->max_tokens);
    if (question->temperature >= 0 && (question->has_own_temperature || !is_thinking_model)) {
        body_f64(body, "temperature", question->temperature);
    }
    body_val(body, "stop", question->stop);
    messages_write_tools(body, question);
    if (question->schema != 0) {
        write_format(body, node, question->schema);
    }
    if (question->is_streamed) {
        body_bool(body, "stream", 1);
        body_open(body, "stream_options", '{');
        body_bool(body, "include_usage", 1);
        body_close(body, '}');
    }
    body_close(body, '}');
}

/* ---- The answer ---- */

static enum finish finish_of(ops_str reason)
{
    return ops_equal(reason, "stop")             ? FINISH_STOP
           : ops_equal(reason, "length")         ? FINISH_LENGTH
           : ops_equal(reason, "tool_calls")     ? FINISH_TOOL_CALLS
           : ops_equal(reason, "function_call")  ? FINISH_TOOL_CALLS
           : ops_equal(reason, "content_filter") ? FINISH_FILTER
                                                 : FINISH_UNKNOWN;
}

static void read_tool_call(ops_val from, struct reply *reply, uint64_t i)
{
    ops_val function = ops_get(from, "function");
    struct tool_call *call = reply_tool_call(reply, ops_get_i64(from, "index", (int64_t)i));
    if (call == NULL) {
        return;
    }
    if (call->id.n == 0) {
        text_append_str(&call->id, ops_get_str(from, "id", NULL));
    }
    text_append_str(&call->name, ops_get_str(function, "name", NULL));
    text_append_str(&call->arguments, ops_get_str(function, "arguments", NULL));
}

static void read_usage(ops_val usage, struct usage *out)
{
    if (ops.value->type(ops.h, usage) != OPS_TYPE_MAP) {
        return;
    }
    out->input_tokens = usage_read(usage, "prompt_tokens", out->input_tokens);
    out->output_tokens = usage_read(usage, "completion_tokens", out->output_tokens);
    out->cached_tokens = usage_read(ops_get(usage, "prompt_tokens_details"), "cached_tokens", 0);
}

/* A text, or, by some services, a list of parts, of which texts are the answer. */
static void read_content(ops_val content, struct reply *reply)
{
    uint64_t n = ops.value->count(ops.h, content);
    ops_str text = {NULL, 0};
    if (ops.value->get_str(ops.h, content, &text) == OPS_OK) {
        text_append_str(&reply->text, text);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_val part = 0;
        (void)ops.value->at(ops.h, content, i, &part); /* i is below the count */
        text_append_str(&reply->text, ops_get_str(part, "text", NULL));
    }
}

/* A message, or a piece of one: `part` is its name. */
static void read_part(ops_val answer, const char *part, struct reply *reply)
{
    ops_val choice = 0;
    if (reply->model.n == 0) {
        text_append_str(&reply->model, ops_get_str(answer, "model", NULL));
    }
    read_usage(ops_get(answer, "usage"), &reply->usage);
    if (ops.value->at(ops.h, ops_get(answer, "choices"), 0, &choice) != OPS_OK) {
        return;
    }

    ops_val message = ops_get(choice, part);
    ops_val calls = ops_get(message, "tool_calls");
    uint64_t n = ops.value->count(ops.h, calls);
    read_content(ops_get(message, "content"), reply);
    text_append_str(&reply->refusal, ops_get_str(message, "refusal", NULL));
    for (uint64_t i = 0; i < n; i++) {
        ops_val call = 0;
        (void)ops.value->at(ops.h, calls, i, &call); /* i is below the count */
        read_tool_call(call, reply, i);
    }
    ops_str reason = ops_get_str(choice, "finish_reason", NULL);
    if (reason.n > 0) {
        reply->finish = finish_of(reason);
        reply->is_ended = 1;
    }
}

static void read_chat(ops_val answer, struct reply *reply)
{
    ops_val choice = 0;
    reply->is_strange = ops.value->at(ops.h, ops_get(answer, "choices"), 0, &choice) != OPS_OK ||
                        ops.value->type(ops.h, ops_get(choice, "message")) != OPS_TYPE_MAP;
    read_part(answer, "message", reply);
    reply->is_ended = 1;
}

static void read_event(ops_val event, struct reply *reply)
{
    read_part(event, "delta", reply);
}

/* ---- Embeddings ---- */

static void write_embed(struct body *body, ops_str model, ops_val texts, int64_t dimensions)
{
    body_open(body, NULL, '{');
    body_str(body, "model", model);
    body_val(body, "input", texts);
    body_text(body, "encoding_format", "float");
    if (dimensions > 0) {
        body_i64(body, "dimensions", dimensions);
    }
    body_close(body, '}');
}

static ops_val read_vectors(ops_task task, ops_val answer, struct usage *usage)
{
    ops_val data = ops_get(answer, "data");
    uint64_t n = ops.value->count(ops.h, data);
    void *memory = NULL;
    ops_val out = 0;
    usage->input_tokens = usage_read(ops_get(answer, "usage"), "prompt_tokens", -1);
    if (n == 0 || ops.value->alloc(ops.h, task, n * sizeof(ops_val), &memory) != OPS_OK) {
        return 0;
    }

    ops_val *vectors = memory;
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        (void)ops.value->at(ops.h, data, i, &item); /* i is below the count */
        int64_t index = ops_get_i64(item, "index", (int64_t)i);
        if (index < 0 || (uint64_t)index >= n || vectors[index] != 0) {
            return 0;
        }
        vectors[index] = ops_get(item, "embedding");
        if (vectors[index] == 0) {
            return 0;
        }
    }
    return ops.value->new_list(ops.h, task, vectors, n, &out) == OPS_OK ? out : 0;
}

const struct provider provider_openai = {
    .id = "openai",
    .name = "OpenAI",
    .base_url = "https://api.openai.com/v1",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .needs_key = 1,
    .chat_path = "/chat/completions",
    .embed_path = "/embeddings",
    .list_path = "/models",
    .frames = FRAMES_EVENTS,
    .accepts = accepts,
    .write_chat = write_chat,
    .read_chat = read_chat,
    .read_event = read_event,
    .write_embed = write_embed,
    .read_vectors = read_vectors,
};
