/* SPDX-License-Identifier: Apache-2.0 */
#include "chat.h"

#include <stdio.h>

#include "answer.h"
#include "failure.h"
#include "output.h"
#include "service/problem.h"

enum {
    TIMEOUT_MS = 15 * 60 * 1000, /* an answer may take minutes; a node's `timeout` ends it sooner */
    SHOWN_BYTES = 2000,
};

static void send(struct chat *chat);

ops_str chat_model(const struct chat *chat)
{
    ops_str model = text_str(&chat->reply.model);
    return model.n > 0 ? model : chat->question.model;
}

/* ---- Ends ---- */

static void forget_call(struct chat *chat)
{
    text_finish(&chat->body.text);
    reply_finish(&chat->reply);
    frames_finish(&chat->frames);
    text_finish(&chat->raw);
    memset(&chat->frames, 0, sizeof chat->frames);
    chat->frames.kind = chat->node->provider->frames;
    chat->received = 0;
    chat->n_events = 0;
    chat->error = 0;
    chat->has_bad_event = 0;
}

/* {model, usage, cost, text}: tokens were spent on it all the same. */
static ops_val make_details(const struct chat *chat)
{
    struct text begin = {NULL, 0, 0, 0};
    ops_val details = 0;
    struct ops_map map = ops_map_begin(chat->task);
    output_add_costs(&map, chat->node, chat_model(chat), &chat->usage);
    text_append_line(&begin, text_str(&chat->reply.text), SHOWN_BYTES);
    ops_map_str(&map, "text", text_str(&begin));
    ops_status status = ops_map_end(&map, &details);
    text_finish(&begin);
    return status == OPS_OK ? details : 0;
}

/* The task is about to end: what is not known of its call by now will never be. */
static struct failing failing_of(struct chat *chat)
{
    bill_lose(&chat->bill);
    struct failing failing = {
        .node = chat->node, .task = chat->task, .model = chat->question.model};
    if (chat->n_calls > 0 && chat->usage.input_tokens >= 0) {
        failing.details = make_details(chat);
    }
    return failing;
}

static void fail(struct chat *chat, const struct failure_kind *kind, ops_str said)
{
    struct failing failing = failing_of(chat);
    failure_of_kind(&failing, kind, said);
    forget_call(chat);
}

/* ---- What the answer is worth ---- */

static void ask_again(struct chat *chat, ops_str why)
{
    struct text complaint = {NULL, 0, 0, 0};
    text_append_literal(&complaint, "This answer cannot be used: ");
    text_append_str(&complaint, why);
    text_append_literal(&complaint,
                        ". Answer the question again, with nothing but JSON that fits the schema.");
    chat->question.answered = answer_keep(chat->task, text_str(&chat->reply.text));
    chat->question.complaint = answer_keep(chat->task, text_str(&complaint));
    text_finish(&complaint);
    if (chat->question.answered.n == 0 || chat->question.complaint.n == 0) {
        fail(chat, &failure_no_memory, ops_text(NULL));
        return;
    }
    forget_call(chat);
    send(chat);
}

static void complete(struct chat *chat, ops_val json)
{
    chat->on_answer(chat, json);
    forget_call(chat);
}

static void judge_structured(struct chat *chat)
{
    ops_val json = 0;
    ops_str why = {NULL, 0};
    ops_status status =
        answer_read(chat->task, text_str(&chat->reply.text), chat->question.schema, &json, &why);
    if (status == OPS_OK) {
        complete(chat, json);
    } else if (status != OPS_E_INPUT) {
        fail(chat, &failure_too_large, why);
    } else if (chat->n_calls == 1) {
        ask_again(chat, why);
    } else {
        fail(chat, &failure_bad_output, why);
    }
}

/* 0: the task has ended. */
static int take_tool_calls(struct chat *chat)
{
    ops_str why = {NULL, 0};
    ops_status status = answer_read_tool_calls(chat->task, &chat->reply, chat->question.tools,
                                               &chat->tool_calls, &why);
    if (status == OPS_OK) {
        return 1;
    }
    int is_cut = chat->reply.finish == FINISH_LENGTH;
    fail(chat, is_cut ? &failure_max_tokens : &failure_bad_output, is_cut ? ops_text(NULL) : why);
    return 0;
}

static void judge(struct chat *chat)
{
    struct reply *reply = &chat->reply;
    ops_str text = answer_trim(text_str(&reply->text));
    if (reply->finish == FINISH_FILTER) {
        fail(chat, &failure_filtered, ops_text(NULL));
    } else if (reply->finish == FINISH_REFUSED || reply->refusal.n > 0) {
        fail(chat, &failure_refused, text_str(&reply->refusal));
    } else if (text.n == 0 && reply->n_tool_calls == 0) {
        fail(chat, reply->finish == FINISH_LENGTH ? &failure_max_tokens : &failure_empty,
             ops_text(NULL));
    } else if (!take_tool_calls(chat)) {
        return;
    } else if (chat->question.schema == 0) {
        complete(chat, answer_whole_json(chat->task, text));
    } else if (reply->n_tool_calls > 0) {
        complete(chat, 0);
    } else if (reply->finish == FINISH_LENGTH) {
        fail(chat, &failure_max_tokens, ops_text(NULL));
    } else {
        judge_structured(chat);
    }
}

/* ---- Streams ---- */

static int is_error(ops_val v)
{
    uint32_t type = ops.value->type(ops.h, v);
    return type == OPS_TYPE_MAP || type == OPS_TYPE_STRING;
}

static void show_progress(const struct chat *chat)
{
    char note[64];
    if (chat->reply.text.n == 0) {
        return;
    }
    (void)snprintf(note, sizeof note, "%llu bytes", (unsigned long long)chat->reply.text.n);
    (void)ops.exec->progress(ops.h, chat->task, -1, ops_text(note)); /* only shown */
}

static void on_frame(void *user, ops_str data)
{
    struct chat *chat = user;
    ops_scope scope = 0;
    ops_val event = 0;
    if (ops_equal(data, "[DONE]")) {
        chat->reply.is_ended = 1;
        return;
    }
    /* the values of a piece are needed only here, and there can be thousands of pieces */
    if (ops.value->scope_open(ops.h, chat->task, &scope) != OPS_OK) {
        chat->reply.text.failed = 1;
        return;
    }
    if (ops.value->from_json(ops.h, scope, data, &event, NULL) != OPS_OK) {
        chat->has_bad_event = 1;
    } else if (is_error(ops_get(event, "error"))) {
        (void)ops.value->retain(ops.h, event, chat->task, &chat->error); /* 0: the stream is cut */
    } else {
        chat->n_events++;
        chat->node->provider->read_event(event, &chat->reply);
    }
    (void)ops.value->scope_close(ops.h, scope); /* it is open */
}

static void on_chunk(void *user, ops_task task, ops_str bytes)
{
    struct chat *chat = user;
    (void)task;
    chat->received += bytes.n;
    if (chat->n_events == 0) {
        text_append_str(&chat->raw, bytes);
    }
    (void)frames_feed(&chat->frames, bytes, on_frame, chat); /* a failure is kept in it */
    show_progress(chat);
}

/* ---- Answers ---- */

/* 0: the task has ended. */
static int read_whole(struct chat *chat, ops_str body)
{
    ops_val answer = 0;
    ops_status status = ops.value->from_json(ops.h, chat->task, body, &answer, NULL);
    if (status == OPS_OK && is_error(ops_get(answer, "error"))) {
        struct failing failing = failing_of(chat);
        failure_of_event(&failing, answer);
        forget_call(chat);
        return 0;
    }
    if (status == OPS_OK) {
        chat->node->provider->read_chat(answer, &chat->reply);
    }
    if (status != OPS_OK || chat->reply.is_strange) {
        fail(chat, problem_is_page(body) ? &failure_html : &failure_not_json,
             problem_is_page(body) ? ops_text(NULL) : body);
        return 0;
    }
    return 1;
}

/* Some answer as a whole, whatever they were asked for, or with a page. */
static int is_no_stream(const struct chat *chat)
{
    ops_str begin = answer_trim(text_str(&chat->raw));
    int is_json = begin.n > 0 && begin.p[0] == '{' && chat->frames.kind == FRAMES_EVENTS;
    return chat->n_events == 0 && chat->error == 0 && (is_json || problem_is_page(begin));
}

/* 0: the task has ended. */
static int read_stream(struct chat *chat)
{
    char said[64];
    int has_bad_event = chat->has_bad_event;
    frames_end(&chat->frames, on_frame, chat);
    chat->has_bad_event = has_bad_event; /* a piece without its end says only that it is cut */
    if (is_no_stream(chat)) {
        return read_whole(chat, text_str(&chat->raw));
    }
    if (chat->error != 0) {
        struct failing failing = failing_of(chat);
        failure_of_event(&failing, chat->error);
        forget_call(chat);
        return 0;
    }
    if (chat->frames.has_failed) {
        fail(chat, &failure_too_large, ops_text(NULL));
        return 0;
    }
    if (!chat->reply.is_ended) {
        (void)snprintf(said, sizeof said, "after %llu bytes", (unsigned long long)chat->received);
        fail(chat, &failure_stream_cut, ops_text(said));
        return 0;
    }
    if (chat->has_bad_event) {
        fail(chat, &failure_not_json, ops_text("a piece of the stream is no JSON"));
        return 0;
    }
    return 1;
}

static void on_answer(struct chat *chat, const ops_http_res *res)
{
    static const struct usage nothing = {0, 0, 0};
    if (res->status < 200 || res->status > 299) {
        bill_settle(&chat->bill, chat->question.model, &nothing);
        struct failing failing = failing_of(chat);
        failure_of_status(&failing, res);
        forget_call(chat);
        return;
    }
    if (!(chat->question.is_streamed ? read_stream(chat) : read_whole(chat, res->body))) {
        return;
    }

    bill_settle(&chat->bill, chat_model(chat), &chat->reply.usage);
    chat->usage = chat->n_calls == 1 ? chat->reply.usage
                                     : usage_add(chat->usage, chat->reply.usage);
    if (chat->reply.finish == FINISH_TOOL_CALLS && chat->reply.n_tool_calls == 0) {
        chat->reply.finish = FINISH_STOP; /* the tool was the way to a structured answer */
    }
    if (reply_has_failed(&chat->reply)) {
        fail(chat, &failure_no_memory, ops_text(NULL));
    } else if (chat->reply.is_over) {
        fail(chat, &failure_too_large, ops_text("more calls of tools than 64"));
    } else {
        judge(chat);
    }
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct chat *chat = user;
    (void)task;
    if (res != NULL) {
        on_answer(chat, res);
        return;
    }
    if (err->effect == OPS_EFFECT_NONE && chat->received == 0) {
        bill_void(&chat->bill);
    }
    struct failing failing = failing_of(chat);
    failure_of_transport(&failing, err, chat->received);
    forget_call(chat);
}

/* ---- Questions ---- */

static void call(struct chat *chat)
{
    struct text url = {NULL, 0, 0, 0};
    struct instance_headers headers = {0};
    ops_http_req req = {0};
    chat->n_calls++;
    text_append_str(&url, text_str(&chat->node->base_url));
    text_append_literal(&url, chat->node->provider->chat_path);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = text_str(&url);
    instance_set_headers(chat->node, &headers, &req);
    req.body = text_str(&chat->body.text);
    req.timeout_ms = TIMEOUT_MS;
    req.on_chunk = chat->question.is_streamed ? on_chunk : NULL;
    req.on_done = on_done;
    req.user = chat;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, chat->task, &req, NULL);
    text_finish(&chat->body.text);
    text_finish(&url);
    if (status != OPS_OK) {
        bill_void(&chat->bill);
        fail(chat, &failure_no_memory, ops_text(NULL));
    }
}

static void on_reserved(void *user, enum bill_answer answer, ops_str model)
{
    struct chat *chat = user;
    if (answer == BILL_GRANTED) {
        call(chat);
    } else if (answer == BILL_CHEAPER) {
        chat->question.model = model;
        send(chat);
    } else {
        forget_call(chat);
    }
}

/* Images count by themselves, also those that are in the body. */
static struct bill_wish wish_of(const struct chat *chat)
{
    struct bill_wish wish = {.model = chat->question.model,
                             .bytes = chat->body.text.n,
                             .output_tokens = chat->question.max_tokens};
    uint64_t n = question_count(&chat->question);
    for (uint64_t i = 0; i < n; i++) {
        ops_val images = question_message(&chat->question, i).images;
        uint64_t n_images = ops.value->count(ops.h, images);
        wish.images += n_images;
        for (uint64_t k = 0; k < n_images; k++) {
            uint64_t bytes = question_item(images, k).n;
            wish.bytes -= bytes < wish.bytes ? bytes : wish.bytes;
        }
    }
    return wish;
}

static void send(struct chat *chat)
{
    text_finish(&chat->body.text);
    chat->node->provider->write_chat(&chat->body, chat->node, &chat->question);
    if (chat->body.text.failed || chat->question.model.n == 0) {
        fail(chat, &failure_no_memory, ops_text(NULL));
        return;
    }
    const struct bill_wish wish = wish_of(chat);
    bill_reserve(&chat->bill, &wish, on_reserved, chat);
}

/* Behind the system's text what the answer must look like; 0: no memory. */
static int say_schema(struct chat *chat)
{
    struct text system = {NULL, 0, 0, 0};
    ops_str schema = {NULL, 0};
    if (ops.value->to_json(ops.h, chat->question.schema, &schema) != OPS_OK) {
        return 0;
    }
    text_append_str(&system, chat->question.system);
    text_append_literal(&system, chat->question.system.n > 0 ? "\n\n" : "");
    text_append_literal(&system, "Answer with nothing but JSON that fits this JSON Schema: ");
    text_append_str(&system, schema);
    chat->question.system = answer_keep(chat->task, text_str(&system));
    text_finish(&system);
    return chat->question.system.n > 0;
}

/* Whether a schema of the config is one. 0: the task has ended. */
static int check_schema(const struct chat *chat, ops_val schema, const char *path)
{
    ops_error err = ops_error_make(OPS_OK, NULL);
    err.code = schema != 0 ? ops.schema->check(ops.h, chat->task, schema, 0, &err) : OPS_OK;
    if (err.code == OPS_OK) {
        return 1;
    }
    err.path = ops_text(path);
    err.symbol = ops_text("llm.config");
    (void)ops.exec->fail(ops.h, chat->task, &err); /* STALE: it has ended already */
    return 0;
}

static int check_schemas(const struct chat *chat)
{
    uint64_t n = ops.value->count(ops.h, chat->question.tools);
    for (uint64_t i = 0; i < n; i++) {
        ops_val tool = 0;
        (void)ops.value->at(ops.h, chat->question.tools, i, &tool); /* i is below the count */
        if (!check_schema(chat, ops_get(tool, "parameters"), "/tools")) {
            return 0;
        }
    }
    return check_schema(chat, chat->question.schema, chat->schema_path);
}

void chat_ask(const struct chat_request *request)
{
    struct question_fault fault = {NULL, NULL};
    ops_node *node = request->node;
    const struct question *question = request->question;
    struct chat *chat = ops_task_alloc(request->task, sizeof *chat);
    if (chat == NULL) {
        return;
    }

    chat->node = node;
    chat->task = request->task;
    chat->config = request->config;
    chat->question = *question;
    chat->schema_path = request->schema_path;
    chat->on_answer = request->on_answer;
    chat->user = request->user;
    chat->body.task = request->task;
    chat->bill.node = node;
    chat->bill.task = request->task;
    chat->usage = (struct usage){-1, -1, -1};
    forget_call(chat);
    if (instance_lacks_key(node)) {
        fail(chat, &failure_no_key, ops_text(NULL));
    } else if (!node->provider->accepts(question, &fault)) {
        failure_of_config(chat->task, fault.path, fault.message);
    } else if (check_schemas(chat)) {
        if (question->schema != 0 && node->structured != STRUCTURED_SCHEMA && !say_schema(chat)) {
            fail(chat, &failure_no_memory, ops_text(NULL));
            return;
        }
        send(chat);
    }
}
