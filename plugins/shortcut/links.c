/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <stdlib.h>

#include "lookup.h"

const struct pick links_output[] = {{"id", NULL, NULL},
                                    {"name", NULL, NULL},
                                    {"url", "app_url", NULL},
                                    {"external_links", NULL, NULL},
                                    {NULL, NULL, NULL}};

/* ---- The list ---- */

static int has_link(ops_val links, ops_str url)
{
    uint64_t n = ops.value->count(ops.h, links);
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        ops_str text = {NULL, 0};
        (void)ops.value->at(ops.h, links, i, &item); /* it is there */
        if (ops.value->get_str(ops.h, item, &text) == OPS_OK && lookup_is_same(text, url)) {
            return 1;
        }
    }
    return 0;
}

/* Those that there are, then the new one. */
void links_add_body(struct service_call *call, struct ops_map *body)
{
    ops_val links = (ops_val)(uintptr_t)call->user;
    uint64_t n = ops.value->count(ops.h, links);
    ops_val *items = calloc((size_t)n + 1, sizeof *items);
    ops_val all = 0;
    ops_status status = items != NULL ? OPS_OK : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        status = ops.value->at(ops.h, links, i, &items[i]);
    }
    if (status == OPS_OK) {
        items[n] = ops_get(call->config, "url");
        status = ops.value->new_list(ops.h, body->scope, items, n + 1, &all);
    }
    free(items);
    ops_map_made(body, "external_links", status, all);
}

/* ---- The steps ---- */

/* 1 when the answer is a story; else the task has failed. */
static int is_story(struct service_call *call, const struct service_answer *answer)
{
    int is_one = ops.value->type(ops.h, ops_get(answer->value, "external_links")) == OPS_TYPE_LIST;
    if (!is_one) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
    }
    return is_one;
}

static void complete(struct service_call *call, ops_val story, int is_changed)
{
    struct ops_map out = ops_map_begin(call->task);
    pick_add(&out, story, links_output);
    ops_map_bool(&out, "changed", is_changed);
    ops_complete_map(call->task, &out);
}

static void on_linked(struct service_call *call, const struct service_answer *answer)
{
    if (is_story(call, answer)) {
        complete(call, answer->value, 1);
    }
}

static void on_story(struct service_call *call, const struct service_answer *answer)
{
    struct call_request out = {.request = &call->operation->request, .on_answer = on_linked};
    ops_val links = ops_get(answer->value, "external_links");
    if (!is_story(call, answer)) {
        return;
    }
    if (has_link(links, ops_get_str(call->config, "url", NULL))) {
        complete(call, answer->value, 0);
        return;
    }
    call->user = (void *)(uintptr_t)links; /* lives as long as the task */
    ops_status status = call_make_body(call, out.request, &out.body);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    call_send(call, &out);
}

void links_add(struct service_call *call)
{
    static const struct service_request read_story = {.method = "GET",
                                                      .path = "/api/v3/stories/{story}"};
    call_send(call, &(struct call_request){.request = &read_story, .on_answer = on_story});
}
