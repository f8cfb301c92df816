/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

static const char *const branch_query[] = {"ref=branch", NULL};
static const struct service_request current = {
    .method = "GET", .path = FILES_PATH, .query = branch_query};
static const struct service_request read_file = {
    .method = "GET", .path = FILES_PATH, .query = files_query};

const char *const files_query[] = {"ref", NULL};
const char *const files_body[] = {"message", "branch", "committer", "author", NULL};

const struct pick files_read[] = {{"path", NULL, NULL},
                                  {"sha", NULL, NULL},
                                  {"size", NULL, NULL},
                                  {"url", "html_url", NULL},
                                  {NULL, NULL, NULL}};
const struct pick files_written[] = {
    {"path", "content.path", NULL},          {"sha", "content.sha", NULL},
    {"url", "content.html_url", NULL},       {"commit", "commit.sha", NULL},
    {"commit_url", "commit.html_url", NULL}, {NULL, NULL, NULL}};

static int is_file(ops_val value)
{
    ops_str type = pick_str(value, "type");
    return ops.value->type(ops.h, value) == OPS_TYPE_MAP &&
           (type.n == 0 || ops_equal(type, "file"));
}

/* ---- Reading ---- */

/* Text, or bytes when it is no UTF-8. */
static ops_status make_content(struct service_call *call, ops_str bytes, ops_val *out)
{
    ops_status status = ops.value->new_str(ops.h, call->task, bytes, out);
    return status == OPS_E_INPUT ? ops.value->new_bytes(ops.h, call->task, bytes, out) : status;
}

static void complete_read(struct service_call *call, ops_val file, ops_str bytes)
{
    ops_val content = 0;
    ops_status made = make_content(call, bytes, &content);
    struct ops_map out = ops_map_begin(call->task);
    pick_add(&out, file, files_read);
    ops_map_made(&out, "content", made, content);
    ops_map_bool(&out, "is_text", ops.value->type(ops.h, content) == OPS_TYPE_STRING);
    ops_complete_map(call->task, &out);
}

/* The bytes themselves: what is larger than 1 MB comes only so. */
static void on_raw(struct service_call *call, const struct service_answer *answer)
{
    complete_read(call, (ops_val)(uintptr_t)call->user, answer->res->body);
}

static void on_file(struct service_call *call, const struct service_answer *answer)
{
    struct text bytes = {NULL, 0, 0, 0};
    ops_str encoding = pick_str(answer->value, "encoding");
    if (!is_file(answer->value)) {
        problem_fail_config(call, "path", "names no file, but a folder, a link or a submodule");
        return;
    }
    if (!ops_equal(encoding, "base64")) {
        call->user = (void *)(uintptr_t)answer->value; /* lives as long as the task */
        call_send(call, &(struct call_request){.request = &read_file,
                                               .accept = "application/vnd.github.raw+json",
                                               .on_answer = on_raw});
        return;
    }
    if (!text_append_unbase64(&bytes, pick_str(answer->value, "content"))) {
        problem_fail_body(call, answer, "bad_body", " answered a file whose base64 is broken");
    } else if (bytes.failed) {
        ops_fail_text(call->task, OPS_E_RESOURCE, "out of memory");
    } else {
        complete_read(call, answer->value, text_str(&bytes));
    }
    text_finish(&bytes);
}

void files_get(struct service_call *call)
{
    call_send(call, &(struct call_request){.request = &read_file, .on_answer = on_file});
}

/* ---- Writing ---- */

void files_add_body(struct service_call *call, struct ops_map *body)
{
    struct text base64 = {NULL, 0, 0, 0};
    ops_val sha = ops_get(call->config, "sha");
    text_append_base64(&base64, ops_get_str(call->config, "content", NULL));
    if (base64.failed) {
        body->status = OPS_E_RESOURCE;
    }
    ops_map_str(body, "content", text_str(&base64));
    text_finish(&base64);
    if (sha == 0) {
        sha = (ops_val)(uintptr_t)call->user; /* of what is there now; 0: nothing is */
    }
    if (sha != 0) {
        ops_map_val(body, "sha", sha);
    }
}

static void on_written(struct service_call *call, const struct service_answer *answer)
{
    struct ops_map out = ops_map_begin(call->task);
    if (ops.value->type(ops.h, answer->value) != OPS_TYPE_MAP) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    pick_add(&out, answer->value, files_written);
    ops_map_bool(&out, "changed", 1);
    ops_complete_map(call->task, &out);
}

static void write_file(struct service_call *call)
{
    struct call_request out = {.request = &call->operation->request, .on_answer = on_written};
    ops_status status = call_make_body(call, out.request, &out.body);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    call_send(call, &out);
}

/* Whether the file is what it is to be: an earlier attempt may have written it. */
static int is_same(struct service_call *call, ops_val file)
{
    struct text bytes = {NULL, 0, 0, 0};
    ops_str wanted = ops_get_str(call->config, "content", NULL);
    int is_read = ops_equal(pick_str(file, "encoding"), "base64") &&
                  text_append_unbase64(&bytes, pick_str(file, "content")) && !bytes.failed;
    int is_equal = is_read && bytes.n == wanted.n &&
                   (bytes.n == 0 || memcmp(bytes.p, wanted.p, bytes.n) == 0);
    text_finish(&bytes);
    return is_equal;
}

static void complete_same(struct service_call *call, ops_val file)
{
    struct ops_map out = ops_map_begin(call->task);
    ops_map_val(&out, "path", pick_find(file, "path"));
    ops_map_val(&out, "sha", pick_find(file, "sha"));
    ops_map_val(&out, "url", pick_find(file, "html_url"));
    ops_map_null(&out, "commit");
    ops_map_null(&out, "commit_url");
    ops_map_bool(&out, "changed", 0);
    ops_complete_map(call->task, &out);
}

static void on_current(struct service_call *call, const struct service_answer *answer)
{
    if (answer->status == 404) {
        write_file(call);
    } else if (!is_file(answer->value)) {
        problem_fail_config(call, "path", "names no file, but a folder, a link or a submodule");
    } else if (is_same(call, answer->value)) {
        complete_same(call, answer->value);
    } else {
        call->user = (void *)(uintptr_t)pick_find(answer->value, "sha");
        write_file(call);
    }
}

void files_put(struct service_call *call)
{
    call_send(call, &(struct call_request){
                        .request = &current, .good_status = 404, .on_answer = on_current});
}
