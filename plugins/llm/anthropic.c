/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The messages API of Anthropic. An answer that must fit a schema is asked for as the input of a
 * tool that the model has to use: its input is the answer.
 */

#include "instance.h"
#include "provider.h"

static const char answer_tool[] = "give_answer";

static int accepts(const struct question *question, struct question_fault *fault)
{
    if (question->temperature > 1) {
        fault->path = "/temperature";
        fault->message = "Anthropic takes temperatures from 0 to 1";
        return 0;
    }
    if (question->schema != 0 &&
        !ops_equal(ops_get_str(question->schema, "type", NULL), "object")) {
        fault->path = "/response_schema";
        fault->message = "for Anthropic a schema must be of type object: put the value in a member";
        return 0;
    }
    return 1;
}

/* ---- The question ---- */

static void write_text_part(struct body *body, ops_str text)
{
    if (text.n > 0) {
        body_open(body, NULL, '{');
        body_text(body, "type", "text");
        body_str(body, "text", text);
        body_close(body, '}');
    }
}

static void write_image(struct body *body, ops_str url)
{
    ops_str media_type = {NULL, 0};
    ops_str base64 = {NULL, 0};
    body_open(body, NULL, '{');
    body_text(body, "type", "image");
    body_open(body, "source", '{');
    if (question_read_data_url(url, &media_type, &base64)) {
        body_text(body, "type", "base64");
        body_str(body, "media_type", media_type);
        body_str(body, "data", base64);
    } else {
        body_text(body, "type", "url");
        body_str(body, "url", url);
    }
    body_close(body, '}');
    body_close(body, '}');
}

static void write_tool_uses(struct body *body, ops_val calls)
{
    uint64_t n = ops.value->count(ops.h, calls);
    for (uint64_t i = 0; i < n; i++) {
        ops_val call = 0;
        (void)ops.value->at(ops.h, calls, i, &call); /* i is below the count */
        body_open(body, NULL, '{');
        body_text(body, "type", "tool_use");
        body_str(body, "id", ops_get_str(call, "id", NULL));
        body_str(body, "name", ops_get_str(call, "name", NULL));
        body_val(body, "input", ops_get(call, "arguments"));
        body_close(body, '}');
    }
}

static void write_parts(struct body *body, const struct message *message)
{
    uint64_t n = ops.value->count(ops.h, message->images);
    if (message->role == ROLE_TOOL) {
        body_open(body, NULL, '{');
        body_text(body, "type", "tool_result");
        body_str(body, "tool_use_id", message->tool_call_id);
        body_str(body, "content", message->content);
        body_close(body, '}');
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        write_image(body, question_item(message->images, i));
    }
    write_text_part(body, message->content);
    write_tool_uses(body, message->tool_calls);
}

/* What tools gave is the user's here, and one turn of it, however many tools there were. */
static void write_messages(struct body *body, const struct question *question)
{
    uint64_t n = question_count(question);
    enum role previous = ROLE_SYSTEM; /* stands for: none */
    body_open(body, "messages", '[');
    for (uint64_t i = 0; i < n; i++) {
        struct message message = question_message(question, i);
        if (message.role == ROLE_SYSTEM) {
            continue;
        }
        enum role role = message.role == ROLE_ASSISTANT ? ROLE_ASSISTANT : ROLE_USER;
        if (role != previous) {
            if (previous != ROLE_SYSTEM) {
                body_close(body, ']');
                body_close(body, '}');
            }
            body_open(body, NULL, '{');
            body_text(body, "role", role == ROLE_ASSISTANT ? "assistant" : "user");
            body_open(body, "content", '[');
        }
        write_parts(body, &message);
        previous = role;
    }
    if (previous != ROLE_SYSTEM) {
        body_close(body, ']');
        body_close(body, '}');
    }
    body_close(body, ']');
}

/* The system's text, and that of messages that are the system's. */
static void write_system(struct body *body, const struct question *question)
{
    uint64_t n = question_count(question);
    uint64_t written = 0;
    for (uint64_t i = 0; i <= n; i++) {
        struct message message = {.role = ROLE_SYSTEM, .content = question->system};
        if (i > 0) {
            message = question_message(question, i - 1);
        }
        if (message.role != ROLE_SYSTEM || message.content.n == 0) {
            continue;
        }
        if (written++ == 0) {
            body_open(body, "system", '[');
        }
        write_text_part(body, message.content);
    }
    if (written > 0) {
        body_close(body, ']');
    }
}

static void write_tool(struct body *body, ops_str name, ops_str description, ops_val schema)
{
    body_open(body, NULL, '{');
    body_str(body, "name", name);
    if (description.n > 0) {
        body_str(body, "description", description);
    }
    if (schema != 0) {
        body_val(body, "input_schema", schema);
    } else {
        body_open(body, "input_schema", '{');
        body_text(body, "type", "object");
        body_close(body, '}');
    }
    body_close(body, '}');
}

static int uses_answer_tool(const struct ops_node *node, const struct question *question)
{
    return question->schema != 0 && node->structured == STRUCTURED_SCHEMA;
}

static void write_tools(struct body *body, const struct ops_node *node,
                        const struct question *question)
{
    uint64_t n = ops.value->count(ops.h, question->tools);
    int is_forced = uses_answer_tool(node, question);
    if (n == 0 && !is_forced) {
        return;
    }
    body_open(body, "tools", '[');
    for (uint64_t i = 0; i < n; i++) {
        ops_val tool = 0;
        (void)ops.value->at(ops.h, question->tools, i, &tool); /* i is below the count */
        write_tool(body, ops_get_str(tool, "name", NULL), ops_get_str(tool, "description", NULL),
                   ops_get(tool, "parameters"));
    }
    if (is_forced) {
        write_tool(body, ops_text(answer_tool), ops_text("Gives the answer"), question->schema);
    }
    body_close(body, ']');
    if (is_forced) {
        body_open(body, "tool_choice", '{');
        body_text(body, "type", n > 0 ? "any" : "tool");
        if (n == 0) {
            body_text(body, "name", answer_tool);
        }
        body_close(body, '}');
    }
}

static void write_chat(struct body *body, const struct ops_node *node,
                       const struct question *question)
{
    body_open(body, NULL, '{');
    body_str(body, "model", question->model);
    body_i64(body, "max_tokens", question->max_tokens);
    write_system(body, question);
    write_messages(body, question);
    if (question->temperature >= 0) {
        body_f64(body, "temperature", question->temperature);
    }
    body_val(body, "stop_sequences", question->stop);
    write_tools(body, node, question);
    if (question->is_streamed) {
        body_bool(body, "stream", 1);
    }
    body_close(body, '}');
}

/* ---- The answer ---- */

static enum finish finish_of(ops_str reason)
{
    return ops_equal(reason, "end_turn")                        ? FINISH_STOP
           : ops_equal(reason, "stop_sequence")                 ? FINISH_STOP
           : ops_equal(reason, "max_tokens")                    ? FINISH_LENGTH
           : ops_equal(reason, "model_context_window_exceeded") ? FINISH_LENGTH
           : ops_equal(reason, "tool_use")                      ? FINISH_TOOL_CALLS
           : ops_equal(reason, "refusal")                       ? FINISH_REFUSED
                                                                : FINISH_UNKNOWN;
}

static void read_usage(ops_val usage, struct usage *out)
{
    if (ops.value->type(ops.h, usage) != OPS_TYPE_MAP) {
        return;
    }
    int64_t input = usage_read(usage, "input_tokens", -1);
    if (input >= 0) {
        struct usage all = {input, 0, usage_read(usage, "cache_read_input_tokens", 0)};
        struct usage read = {all.cached_tokens, 0, 0};
        struct usage written = {usage_read(usage, "cache_creation_input_tokens", 0), 0, 0};
        out->cached_tokens = all.cached_tokens;
        out->input_tokens = usage_add(usage_add(all, read), written).input_tokens;
    }
    out->output_tokens = usage_read(usage, "output_tokens", out->output_tokens);
}

/* The input of the tool that gives the answer is the answer; words beside it are none of it. */
static struct text *place_of(struct reply *reply, ops_val block, int64_t index)
{
    ops_str name = ops_get_str(block, "name", NULL);
    if (ops_equal(name, answer_tool)) {
        reply->answer_index = index;
        reply->text.n = 0;
        return &reply->text;
    }
    struct tool_call *call = reply_tool_call(reply, index);
    if (call == NULL) {
        return NULL;
    }
    text_append_str(&call->id, ops_get_str(block, "id", NULL));
    text_append_str(&call->name, name);
    return &call->arguments;
}

static void append_words(struct reply *reply, ops_str words)
{
    if (reply->answer_index < 0) {
        text_append_str(&reply->text, words);
    }
}

static void read_block(ops_val block, int64_t index, struct reply *reply)
{
    ops_str type = ops_get_str(block, "type", NULL);
    ops_val input = ops_get(block, "input");
    if (ops_equal(type, "text")) {
        append_words(reply, ops_get_str(block, "text", NULL));
        return;
    }
    if (!ops_equal(type, "tool_use")) {
        return; /* thoughts, for example */
    }

    struct text *place = place_of(reply, block, index);
    ops_str json = {NULL, 0};
    /* a stream begins with an empty input, and sends it in pieces */
    if (place != NULL && ops.value->count(ops.h, input) > 0 &&
        ops.value->to_json(ops.h, input, &json) == OPS_OK) {
        place->n = 0;
        text_append_str(place, json);
    }
}

/* An answer without a member has nothing in its input. */
static void end_answer(struct reply *reply)
{
    if (reply->answer_index >= 0 && reply->text.n == 0 && reply->finish != FINISH_LENGTH) {
        text_append_literal(&reply->text, "{}");
    }
    reply->is_ended = 1;
}

static void read_chat(ops_val answer, struct reply *reply)
{
    ops_val content = ops_get(answer, "content");
    uint64_t n = ops.value->count(ops.h, content);
    reply->is_strange = ops.value->type(ops.h, content) != OPS_TYPE_LIST;
    text_append_str(&reply->model, ops_get_str(answer, "model", NULL));
    for (uint64_t i = 0; i < n; i++) {
        ops_val block = 0;
        (void)ops.value->at(ops.h, content, i, &block); /* i is below the count */
        read_block(block, (int64_t)i, reply);
    }
    read_usage(ops_get(answer, "usage"), &reply->usage);
    reply->finish = finish_of(ops_get_str(answer, "stop_reason", NULL));
    end_answer(reply);
}

static void read_delta(ops_val event, struct reply *reply)
{
    ops_val delta = ops_get(event, "delta");
    int64_t index = ops_get_i64(event, "index", 0);
    ops_str type = ops_get_str(delta, "type", NULL);
    if (ops_equal(type, "text_delta")) {
        append_words(reply, ops_get_str(delta, "text", NULL));
    } else if (ops_equal(type, "input_json_delta")) {
        ops_str piece = ops_get_str(delta, "partial_json", NULL);
        struct tool_call *call = NULL;
        if (reply->answer_index == index) {
            text_append_str(&reply->text, piece);
        } else if ((call = reply_tool_call(reply, index)) != NULL) {
            text_append_str(&call->arguments, piece);
        }
    }
}

static void read_event(ops_val event, struct reply *reply)
{
    ops_str type = ops_get_str(event, "type", NULL);
    if (ops_equal(type, "message_start")) {
        ops_val message = ops_get(event, "message");
        text_append_str(&reply->model, ops_get_str(message, "model", NULL));
        read_usage(ops_get(message, "usage"), &reply->usage);
    } else if (ops_equal(type, "content_block_start")) {
        read_block(ops_get(event, "content_block"), ops_get_i64(event, "index", 0), reply);
    } else if (ops_equal(type, "content_block_delta")) {
        read_delta(event, reply);
    } else if (ops_equal(type, "message_delta")) {
        reply->finish = finish_of(ops_get_str(ops_get(event, "delta"), "stop_reason", NULL));
        read_usage(ops_get(event, "usage"), &reply->usage);
    } else if (ops_equal(type, "message_stop")) {
        end_answer(reply);
    }
}

const struct provider provider_anthropic = {
    .id = "anthropic",
    .name = "Anthropic",
    .base_url = "https://api.anthropic.com",
    .key_header = "x-api-key",
    .key_prefix = "",
    .version_header = "anthropic-version",
    .version = "2023-06-01",
    .needs_key = 1,
    .chat_path = "/v1/messages",
    .list_path = "/v1/models",
    .frames = FRAMES_EVENTS,
    .accepts = accepts,
    .write_chat = write_chat,
    .read_chat = read_chat,
    .read_event = read_event,
};
