/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node type `llm`: one question to a model. chat.c asks it and hears the answer; here the
 * answer becomes the output. The plugin's other types are in classify.c, extract.c and embed.c.
 */

#include "chat.h"
#include "check.h"
#include "failure.h"
#include "instance.h"
#include "nodes.h"
#include "opstream/sdk.h"
#include "output.h"

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

static void on_answer(struct chat *chat, ops_val json)
{
    ops_val out = 0;
    ops_val own = make_own(chat, json);
    if (own == 0 || merge(chat->task, own, json, &out) != OPS_OK) {
        ops_fail_text(chat->task, OPS_E_RESOURCE, "the output could not be made");
        return;
    }
    ops_complete(chat->task, out);
}

static void llm_execute(ops_node *node, ops_task task, ops_val config)
{
    struct question question;
    struct question_fault fault = {NULL, NULL};
    if (question_read(node, config, &question, &fault)) {
        chat_ask(node, task, config, &question, "/response_schema", on_answer);
    } else {
        failure_of_config(task, fault.path, fault.message);
    }
}

#define LLM_NODE(type_name, create_function, execute_function)                                     \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, (type_name), 1u, \
            0u, create_function, execute_function, NULL, instance_destroy, check_service           \
    }

static const ops_node_type llm_type = LLM_NODE("llm", instance_create, llm_execute);
static const ops_node_type classify_type =
    LLM_NODE("llm.classify", instance_create, classify_execute);
static const ops_node_type extract_type = LLM_NODE("llm.extract", instance_create, extract_execute);
static const ops_node_type embed_type =
    LLM_NODE("llm.embed", instance_create_for_embed, embed_execute);

OPS_PLUGIN("llm", "1.0.0", &llm_type, &classify_type, &extract_type, &embed_type);
