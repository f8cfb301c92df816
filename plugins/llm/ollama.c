/* SPDX-License-Identifier: Apache-2.0 */

/* The API of Ollama, on one's own machine. Its streams are lines of JSON; it loads no images. */

#include "instance.h"
#include "messages.h"
#include "provider.h"

static int are_data(ops_val urls)
{
    uint64_t n = ops.value->count(ops.h, urls);
    for (uint64_t i = 0; i < n; i++) {
        ops_str media_type = {NULL, 0};
        ops_str base64 = {NULL, 0};
        if (!question_read_data_url(question_item(urls, i), &media_type, &base64)) {
            return 0;
        }
    }
    return 1;
}

static int accepts(const struct question *question, struct question_fault *fault)
{
    uint64_t n = question_count(question);
    for (uint64_t i = 0; i < n; i++) {
        struct message message = question_message(question, i);
        if (!are_data(message.images)) {
            fault->path = question->messages != 0 ? "/messages" : "/images";
            fault->message = "Ollama takes images as 'data:image/png;base64,...' only";
            return 0;
        }
    }
    return 1;
}

/* ---- The question ---- */

static void write_images(struct body *body, ops_val urls)
{
    uint64_t n = ops.value->count(ops.h, urls);
    if (n == 0) {
        return;
    }
    body_open(body, "images", '[');
    for (uint64_t i = 0; i < n; i++) {
        ops_str media_type = {NULL, 0};
        ops_str base64 = {NULL, 0};
        if (question_read_data_url(question_item(urls, i), &media_type, &base64)) {
            body_str(body, NULL, base64);
        }
    }
    body_close(body, ']');
}

static void write_tool_calls(struct body *body, ops_val calls)
{
    uint64_t n = ops.value->count(ops.h, calls);
    if (n == 0) {
        return;
    }
    body_open(body, "tool_calls", '[');
    for (uint64_t i = 0; i < n; i++) {
        ops_val call = 0;
        (void)ops.value->at(ops.h, calls, i, &call); /* i is below the count */
        body_open(body, NULL, '{');
        body_open(body, "function", '{');
        body_str(body, "name", ops_get_str(call, "name", NULL));
        body_val(body, "arguments", ops_get(call, "arguments"));
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
    body_str(body, "content", message->content);
    write_images(body, message->images);
    write_tool_calls(body, message->tool_calls);
    if (message->role == ROLE_TOOL && message->tool_name.n > 0) {
        body_str(body, "tool_name", message->tool_name);
    }
    body_close(body, '}');
}

static void write_options(struct body *body, const struct question *question)
{
    body_open(body, "options", '{');
    body_i64(body, "num_predict", question->max_tokens);
    if (question->temperature >= 0) {
        body_f64(body, "temperature", question->temperature);
    }
    body_val(body, "stop", question->stop);
    body_close(body, '}');
}

static void write_chat(struct body *body, const struct ops_node *node,
                       const struct question *question)
{
    body_open(body, NULL, '{');
    body_str(body, "model", question->model);
    messages_write(body, question, write_message);
    messages_write_tools(body, question);
    if (question->schema != 0 && node->structured == STRUCTURED_SCHEMA) {
        body_val(body, "format", question->schema);
    } else if (question->schema != 0 && node->structured == STRUCTURED_JSON) {
        body_text(body, "format", "json");
    }
    write_options(body, question);
    body_bool(body, "stream", question->is_streamed);
    body_close(body, '}');
}

/* ---- The answer ---- */

static void read_tool_calls(ops_val calls, struct reply *reply)
{
    uint64_t n = ops.value->count(ops.h, calls);
    for (uint64_t i = 0; i < n; i++) {
        ops_val from = 0;
        char id[32];
        ops_str json = {NULL, 0};
        (void)ops.value->at(ops.h, calls, i, &from); /* i is below the count */
        ops_val function = ops_get(from, "function");
        struct tool_call *call = reply_tool_call(reply, (int64_t)reply->n_tool_calls);
        if (call == NULL) {
            return;
        }
        /* Ollama's calls have no ids; others have one for what comes back */
        (void)snprintf(id, sizeof id, "call_%d", (int)reply->n_tool_calls);
        text_append_literal(&call->id, id);
        text_append_str(&call->name, ops_get_str(function, "name", NULL));
        if (ops.value->to_json(ops.h, ops_get(function, "arguments"), &json) == OPS_OK) {
            text_append_str(&call->arguments, json);
        }
    }
}

static enum finish finish_of(ops_str reason, const struct reply *reply)
{
    return ops_equal(reason, "length") ? FINISH_LENGTH
           : reply->n_tool_calls > 0   ? FINISH_TOOL_CALLS
           : reason.n == 0             ? FINISH_STOP /* older ones do not say */
           : ops_equal(reason, "stop") ? FINISH_STOP
                                       : FINISH_UNKNOWN;
}

/* Whole answers and pieces look alike; the last piece has `done`. */
static void read_event(ops_val event, struct reply *reply)
{
    ops_val message = ops_get(event, "message");
    if (reply->model.n == 0) {
        text_append_str(&reply->model, ops_get_str(event, "model", NULL));
    }
    text_append_str(&reply->text, ops_get_str(message, "content", NULL));
    read_tool_calls(ops_get(message, "tool_calls"), reply);
    if (ops_get_bool(event, "done", 0)) {
        reply->usage.input_tokens = usage_read(event, "prompt_eval_count", -1);
        reply->usage.output_tokens = usage_read(event, "eval_count", -1);
        reply->usage.cached_tokens = 0;
        reply->finish = finish_of(ops_get_str(event, "done_reason", NULL), reply);
        reply->is_ended = 1;
    }
}

static void read_chat(ops_val answer, struct reply *reply)
{
    reply->is_strange = ops.value->type(ops.h, ops_get(answer, "message")) != OPS_TYPE_MAP;
    read_event(answer, reply);
    reply->is_ended = 1;
}

/* ---- Embeddings ---- */

static void write_embed(struct body *body, ops_str model, ops_val texts, int64_t dimensions)
{
    body_open(body, NULL, '{');
    body_str(body, "model", model);
    body_val(body, "input", texts);
    if (dimensions > 0) {
        body_i64(body, "dimensions", dimensions);
    }
    body_close(body, '}');
}

static ops_val read_vectors(ops_task task, ops_val answer, struct usage *usage)
{
    (void)task;
    usage->input_tokens = usage_read(answer, "prompt_eval_count", -1);
    return ops_get(answer, "embeddings");
}

const struct provider provider_ollama = {
    .id = "ollama",
    .name = "Ollama",
    .base_url = "http://localhost:11434",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .chat_path = "/api/chat",
    .embed_path = "/api/embed",
    .list_path = "/api/tags",
    .frames = FRAMES_LINES,
    .accepts = accepts,
    .write_chat = write_chat,
    .read_chat = read_chat,
    .read_event = read_event,
    .write_embed = write_embed,
    .read_vectors = read_vectors,
};
