/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include "question.h"

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

ops_str answer_trim(ops_str text)
{
    while (text.n > 0 && is_space(text.p[text.n - 1])) {
        text.n--;
    }
    while (text.n > 0 && is_space(text.p[0])) {
        text.p++;
        text.n--;
    }
    return text;
}

ops_str answer_keep(ops_task task, ops_str text)
{
    void *copy = NULL;
    ops_str kept = {NULL, 0};
    if (text.n > 0 && ops.value->alloc(ops.h, task, text.n, &copy) == OPS_OK) {
        memcpy(copy, text.p, (size_t)text.n);
        kept.p = copy;
        kept.n = text.n;
    }
    return kept;
}

/* The first of three backticks from `from` on; text.n: there are none. */
static uint64_t find_fence(ops_str text, uint64_t from)
{
    for (uint64_t i = from; i + 3 <= text.n; i++) {
        if (memcmp(text.p + i, "```", 3) == 0) {
            return i;
        }
    }
    return text.n;
}

/* What stands in the first pair of fences; all of `text` when there is none. */
static ops_str inside_fences(ops_str text)
{
    uint64_t open = find_fence(text, 0);
    uint64_t begin = open;
    while (begin < text.n && text.p[begin] != '\n') {
        begin++; /* ```json */
    }
    uint64_t close = find_fence(text, begin);
    return close < text.n ? answer_trim(ops_slice(text.p + begin, close - begin)) : text;
}

static int is_fenced(ops_str text)
{
    uint64_t close = find_fence(text, 3);
    return text.n >= 6 && find_fence(text, 0) == 0 && close + 3 == text.n;
}

ops_val answer_whole_json(ops_task task, ops_str text)
{
    ops_val v = 0;
    text = answer_trim(text);
    text = is_fenced(text) ? inside_fences(text) : text;
    if (text.n < 2 || (text.p[0] != '{' && text.p[0] != '[')) {
        return 0;
    }
    return ops.value->from_json(ops.h, task, text, &v, NULL) == OPS_OK ? v : 0;
}

/* From the first bracket to the last; all of `text` when there are none. */
static ops_str inside_brackets(ops_str text)
{
    uint64_t begin = 0;
    uint64_t end = text.n;
    while (begin < text.n && text.p[begin] != '{' && text.p[begin] != '[') {
        begin++;
    }
    while (end > begin && text.p[end - 1] != '}' && text.p[end - 1] != ']') {
        end--;
    }
    return end > begin ? ops_slice(text.p + begin, end - begin) : text;
}

ops_status answer_read(ops_task task, ops_str text, ops_val schema, ops_val *out, ops_str *out_why)
{
    ops_val v = 0;
    ops_error err = ops_error_make(OPS_OK, NULL);
    text = answer_trim(text);
    ops_status status = ops.value->from_json(ops.h, task, text, &v, &err);
    if (status != OPS_OK) {
        ops_str inside = inside_brackets(inside_fences(text));
        status = ops.value->from_json(ops.h, task, inside, &v, NULL);
    }
    if (status == OPS_OK) {
        status = ops.schema->check(ops.h, task, schema, v, &err);
    } else {
        status = OPS_E_INPUT;
        *out_why = ops_text("it is no JSON");
        return status;
    }
    if (status == OPS_OK) {
        *out = v;
    } else {
        *out_why = err.message;
    }
    return status;
}

/* ---- Calls of tools ---- */

static ops_val find_tool(ops_val tools, ops_str name)
{
    uint64_t n = ops.value->count(ops.h, tools);
    for (uint64_t i = 0; i < n; i++) {
        ops_val tool = 0;
        (void)ops.value->at(ops.h, tools, i, &tool); /* i is below the count */
        ops_str own = ops_get_str(tool, "name", NULL);
        if (own.n == name.n && memcmp(own.p, name.p, (size_t)name.n) == 0) {
            return tool;
        }
    }
    return 0;
}

/* No arguments at all are an empty map. */
static ops_status read_arguments(ops_task task, const struct tool_call *call, ops_val tool,
                                 ops_val *out, ops_str *out_why)
{
    ops_val parameters = ops_get(tool, "parameters");
    ops_str json = answer_trim(text_str(&call->arguments));
    ops_error err = ops_error_make(OPS_OK, NULL);
    json = json.n > 0 ? json : ops_text("{}");
    ops_status status = ops.value->from_json(ops.h, task, json, out, &err);
    if (status == OPS_OK && ops.value->type(ops.h, *out) != OPS_TYPE_MAP) {
        *out_why = ops_text("its arguments are no map");
        return OPS_E_INPUT;
    }
    if (status == OPS_OK && parameters != 0) {
        status = ops.schema->check(ops.h, task, parameters, *out, &err);
    }
    if (status != OPS_OK) {
        *out_why = err.message;
    }
    return status;
}

static ops_status read_tool_call(ops_task task, const struct tool_call *call, ops_val tools,
                                 ops_val *out, ops_str *out_why)
{
    ops_val arguments = 0;
    ops_val tool = find_tool(tools, text_str(&call->name));
    ops_status status = tool != 0 ? read_arguments(task, call, tool, &arguments, out_why)
                                  : OPS_E_INPUT;
    if (tool == 0) {
        *out_why = ops_text("there is no such tool");
    }
    if (status != OPS_OK) {
        struct text why = {NULL, 0, 0, 0};
        text_append_literal(&why, "it calls the tool '");
        text_append_line(&why, text_str(&call->name), 100);
        text_append_literal(&why, "': ");
        text_append_str(&why, *out_why);
        *out_why = answer_keep(task, text_str(&why));
        text_finish(&why);
        return status;
    }

    struct ops_map map = ops_map_begin(task);
    ops_map_str(&map, "id", text_str(&call->id));
    ops_map_str(&map, "name", text_str(&call->name));
    ops_map_val(&map, "arguments", arguments);
    return ops_map_end(&map, out);
}

ops_status answer_read_tool_calls(ops_task task, const struct reply *reply, ops_val tools,
                                  ops_val *out, ops_str *out_why)
{
    ops_val calls[REPLY_MAX_TOOL_CALLS];
    for (uint64_t i = 0; i < reply->n_tool_calls; i++) {
        ops_status status = read_tool_call(task, &reply->tool_calls[i], tools, &calls[i], out_why);
        if (status != OPS_OK) {
            return status;
        }
    }
    return ops.value->new_list(ops.h, task, calls, reply->n_tool_calls, out);
}
