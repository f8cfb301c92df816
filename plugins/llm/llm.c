/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node type `llm`: one question to a model. chat.c asks it and hears the answer; here the
 * answer becomes the output. With a session it is put behind what was said before. The
 * plugin's other types are in classify.c, extract.c, embed.c and remember.c.
 */

#include "chat.h"
#include "check.h"
#include "failure.h"
#include "instance.h"
#include "nodes.h"
#include "opstream/sdk.h"
#include "output.h"
#include "session.h"

static ops_val make_own(struct chat *chat, ops_val json)
{
    ops_val made = 0;
    struct ops_map out = ops_map_begin(chat->task);
    const char *finish = reply_finish_name(chat->reply.finish);
    ops_map_str(&out, "text", text_str(&chat->reply.text));
    if (json != 0) {
        ops_map_val(&out, "json", json);
    } else {
        ops_map_null(&out, "json");
    }
    ops_map_val(&out, "tool_calls", chat->tool_calls);
    output_add_costs(&out, chat->node, chat_model(chat), &chat->usage);
    if (finish[0] != '\0') {
        ops_map_text(&out, "finish_reason", finish);
    } else {
        ops_map_null(&out, "finish_reason");
    }
    ops_map_i64(&out, "calls", chat->n_calls);
    return ops_map_end(&out, &made) == OPS_OK ? made : 0;
}

/* `own`, and of a `json` that is a map the members whose names are free. */
static ops_status merge(ops_task task, ops_val own, ops_val json, ops_val *out)
{
    uint64_t n = ops.value->count(ops.h, own);
    int is_map = ops.value->type(ops.h, json) == OPS_TYPE_MAP;
    uint64_t more = is_map ? ops.value->count(ops.h, json) : 0;
    void *memory = NULL;
    if (ops.value->alloc(ops.h, task, (n + more) * (sizeof(ops_str) + sizeof(ops_val)), &memory) !=
        OPS_OK) {
        return OPS_E_RESOURCE;
    }

    ops_str *keys = memory;
    ops_val *values = (ops_val *)(keys + n + more);
    for (uint64_t i = 0; i < n; i++) {
        (void)ops.value->pair(ops.h, own, i, &keys[i], &values[i]); /* i is below the count */
    }
    for (uint64_t i = 0; i < more; i++) {
        ops_val taken = 0;
        (void)ops.value->pair(ops.h, json, i, &keys[n], &values[n]); /* i is below the count */
        n += ops.value->find(ops.h, own, keys[n], &taken) != OPS_OK;
    }
    return ops.value->new_map(ops.h, task, keys, values, n, out);
}

/* ---- with a session ---- */

/* A question that belongs to a conversation. In the task's memory. */
struct talk {
    ops_node *node;
    ops_task task;
    ops_val config;
    struct question question;
    struct session session;
    ops_val out; /* of the node */
};

static void on_kept(void *user, int is_well)
{
    const struct talk *talk = user;
    if (is_well) {
        ops_complete(talk->task, talk->out);
    }
}

/* As `messages` has it. 0: out of memory. */
static ops_val make_message(ops_task task, const char *role, ops_str content, ops_val images,
                            ops_val tool_calls)
{
    ops_val made = 0;
    struct ops_map map = ops_map_begin(task);
    ops_map_text(&map, "role", role);
    ops_map_str(&map, "content", content);
    if (images != 0) {
        ops_map_val(&map, "images", images);
    }
    if (ops.value->count(ops.h, tool_calls) > 0) {
        ops_map_val(&map, "tool_calls", tool_calls);
    }
    return ops_map_end(&map, &made) == OPS_OK ? made : 0;
}

/* What was asked, and the answer. 0: out of memory. */
static ops_val make_turn(const struct chat *chat, const struct talk *talk)
{
    const struct question *question = &talk->question;
    uint64_t n = question->messages != 0 ? ops.value->count(ops.h, question->messages) : 1;
    void *memory = NULL;
    ops_val turn = 0;
    if (ops.value->alloc(ops.h, talk->task, (n + 1) * sizeof(ops_val), &memory) != OPS_OK) {
        return 0;
    }
    ops_val *messages = memory;
    for (uint64_t i = 0; i < n; i++) {
        if (question->messages == 0) {
            messages[i] = make_message(talk->task, "user", question->prompt, question->images, 0);
        } else {
            (void)ops.value->at(ops.h, question->messages, i, &messages[i]); /* i is below n */
        }
    }
    messages[n] =
        make_message(talk->task, "assistant", text_str(&chat->reply.text), 0, chat->tool_calls);
    return ops.value->new_list(ops.h, talk->task, messages, n + 1, &turn) == OPS_OK ? turn : 0;
}

static ops_val make_output(struct chat *chat, ops_val json)
{
    ops_val out = 0;
    ops_val own = make_own(chat, json);
    return own != 0 && merge(chat->task, own, json, &out) == OPS_OK ? out : 0;
}

static void fail_for_memory(ops_task task)
{
    ops_fail_text(task, OPS_E_RESOURCE, "the output could not be made");
}

static void on_talk_answer(struct chat *chat, ops_val json)
{
    struct talk *talk = chat->user;
    ops_val turn = make_turn(chat, talk);
    talk->out = make_output(chat, json);
    if (turn == 0 || talk->out == 0) {
        fail_for_memory(talk->task);
        return;
    }
    session_add(&talk->session, turn, on_kept, talk);
}

static void on_found(void *user, int is_well)
{
    struct talk *talk = user;
    if (!is_well) {
        return;
    }
    talk->question.history = session_messages(&talk->session);
    if (talk->question.history == 0) {
        fail_for_memory(talk->task);
        return;
    }
    chat_ask(&(struct chat_request){.node = talk->node,
                                    .task = talk->task,
                                    .config = talk->config,
                                    .question = &talk->question,
                                    .schema_path = "/response_schema",
                                    .on_answer = on_talk_answer,
                                    .user = talk});
}

/* What stands in the system's place is not part of what is kept. */
static int has_system(ops_val messages)
{
    uint64_t n = ops.value->count(ops.h, messages);
    for (uint64_t i = 0; i < n; i++) {
        ops_val message = 0;
        (void)ops.value->at(ops.h, messages, i, &message); /* i is below n */
        if (ops_equal(ops_get_str(message, "role", NULL), "system")) {
            return 1;
        }
    }
    return 0;
}

static void begin_talk(ops_node *node, ops_task task, ops_val config,
                       const struct question *question)
{
    const char *fault = NULL;
    struct talk *talk = ops_task_alloc(task, sizeof *talk);
    if (talk == NULL) {
        return;
    }
    talk->node = node;
    talk->task = task;
    talk->config = config;
    talk->question = *question;
    if (session_read(&talk->session, task, config, &fault) <= 0) {
        failure_of_config(task, "/session", fault);
    } else if (has_system(question->messages)) {
        failure_of_config(task, "/messages", "with a session, give the system's text as 'system'");
    } else {
        session_open(&talk->session, on_found, talk);
    }
}

/* ---- alone ---- */

static void on_answer(struct chat *chat, ops_val json)
{
    ops_val out = make_output(chat, json);
    if (out == 0) {
        fail_for_memory(chat->task);
        return;
    }
    ops_complete(chat->task, out);
}

static void llm_execute(ops_node *node, ops_task task, ops_val config)
{
    struct question question;
    struct question_fault fault = {NULL, NULL};
    if (!question_read(node, config, &question, &fault)) {
        failure_of_config(task, fault.path, fault.message);
    } else if (ops_get(config, "session") != 0) {
        begin_talk(node, task, config, &question);
    } else {
        chat_ask(&(struct chat_request){.node = node,
                                        .task = task,
                                        .config = config,
                                        .question = &question,
                                        .schema_path = "/response_schema",
                                        .on_answer = on_answer});
    }
}

#define LLM_NODE(type_name, execute_function)                                                      \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, (type_name), 1u, \
            0u, instance_create, execute_function, NULL, instance_destroy, check_service           \
    }

static const ops_node_type llm_type = LLM_NODE("llm", llm_execute);
static const ops_node_type classify_type = LLM_NODE("llm.classify", classify_execute);
static const ops_node_type extract_type = LLM_NODE("llm.extract", extract_execute);
static const ops_node_type embed_type = LLM_NODE("llm.embed", embed_execute);

static const ops_node_type session_type =
    OPS_NODE("llm.session", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, session_execute);

OPS_PLUGIN("llm", "1.0.0", &llm_type, &classify_type, &extract_type, &embed_type, &session_type);
