/* SPDX-License-Identifier: Apache-2.0 */

/* The node type `llm.embed`: texts as vectors. */

#include "bill.h"
#include "body.h"
#include "failure.h"
#include "instance.h"
#include "nodes.h"
#include "output.h"
#include "price.h"
#include "service/problem.h"

static const struct failure_kind bad_vectors = {
    OPS_E_UPSTREAM, "llm.bad_output",
    "did not give one vector of numbers for each text, all of one length",
    "look whether the model is one for embeddings", OPS_RETRY_DEFAULT};

/* In the task's memory. */
struct embed {
    ops_node *node;
    ops_val config;
    ops_str model;
    ops_val texts; /* list */
    uint64_t n_texts;
    int is_single;
    struct bill bill;
    struct body body; /* of the call, until it is sent */
};

static int are_numbers(ops_val list)
{
    uint64_t n = ops.value->count(ops.h, list);
    for (uint64_t i = 0; i < n; i++) {
        ops_val number = 0;
        double d = 0;
        if (ops.value->at(ops.h, list, i, &number) != OPS_OK ||
            ops.value->get_f64(ops.h, number, &d) != OPS_OK) {
            return 0;
        }
    }
    return 1;
}

/* There can be a million numbers: their handles are not kept. */
static int is_vector(ops_task task, ops_val v, uint64_t dimensions)
{
    ops_scope scope = 0;
    ops_val list = 0;
    uint64_t n = ops.value->count(ops.h, v);
    if (ops.value->type(ops.h, v) != OPS_TYPE_LIST || n == 0 || n != dimensions ||
        ops.value->scope_open(ops.h, task, &scope) != OPS_OK) {
        return 0;
    }
    int is_one = ops.value->retain(ops.h, v, scope, &list) == OPS_OK && are_numbers(list);
    (void)ops.value->scope_close(ops.h, scope); /* it is open */
    return is_one;
}

/* How many numbers each vector has; 0: they are not as many as there are texts, or unequal. */
static uint64_t read_dimensions(ops_task task, ops_val vectors, uint64_t n_texts)
{
    ops_val vector = 0;
    uint64_t dimensions = 0;
    if (ops.value->count(ops.h, vectors) != n_texts) {
        return 0;
    }
    for (uint64_t i = 0; i < n_texts; i++) {
        if (ops.value->at(ops.h, vectors, i, &vector) != OPS_OK) {
            return 0;
        }
        dimensions = i == 0 ? ops.value->count(ops.h, vector) : dimensions;
        if (!is_vector(task, vector, dimensions)) {
            return 0;
        }
    }
    return dimensions;
}

static void complete(const struct embed *embed, ops_task task, ops_val vectors, uint64_t dimensions,
                     const struct usage *usage)
{
    ops_val first = 0;
    struct ops_map out = ops_map_begin(task);
    if (embed->is_single) {
        ops_status status = ops.value->at(ops.h, vectors, 0, &first);
        ops_map_made(&out, "embedding", status, first);
    } else {
        ops_map_val(&out, "embeddings", vectors);
    }
    ops_map_i64(&out, "dimensions", (int64_t)dimensions);
    output_add_costs(&out, embed->node, embed->model, usage);
    ops_complete_map(task, &out);
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    static const struct usage nothing = {0, 0, 0};
    struct embed *embed = user;
    struct failing failing = {.node = embed->node, .task = task, .model = embed->model};
    struct usage usage = {-1, 0, 0};
    ops_val answer = 0;
    if (res == NULL) {
        if (err->effect == OPS_EFFECT_NONE) {
            bill_void(&embed->bill);
        }
        bill_lose(&embed->bill);
        failure_of_transport(&failing, err, 0);
        return;
    }
    if (res->status < 200 || res->status > 299) {
        bill_settle(&embed->bill, embed->model, &nothing);
        failure_of_status(&failing, res);
        return;
    }
    if (ops.value->from_json(ops.h, task, res->body, &answer, NULL) != OPS_OK) {
        int is_html = problem_is_page(res->body);
        bill_lose(&embed->bill);
        failure_of_kind(&failing, is_html ? &failure_html : &failure_not_json,
                        is_html ? ops_text(NULL) : res->body);
        return;
    }

    ops_val vectors = embed->node->provider->read_vectors(task, answer, &usage);
    bill_settle(&embed->bill, embed->model, &usage);
    uint64_t dimensions = read_dimensions(task, vectors, embed->n_texts);
    if (dimensions == 0) {
        failure_of_kind(&failing, &bad_vectors, ops_text(NULL));
        return;
    }
    complete(embed, task, vectors, dimensions, &usage);
}

static void call(struct embed *embed, ops_task task)
{
    const struct provider *provider = embed->node->provider;
    struct text url = {NULL, 0, 0, 0};
    struct instance_headers headers = {0};
    ops_http_req req = {0};
    text_append_str(&url, text_str(&embed->node->base_url));
    text_append_literal(&url, provider->embed_path);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = text_str(&url);
    instance_set_headers(embed->node, &headers, &req);
    req.body = text_str(&embed->body.text);
    req.on_done = on_done;
    req.user = embed;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, task, &req, NULL);
    text_finish(&embed->body.text);
    text_finish(&url);
    if (status != OPS_OK) {
        bill_void(&embed->bill);
        ops_fail_text(task, status, "the call cannot be started");
    }
}

static void on_reserved(void *user, enum bill_answer answer, ops_str model)
{
    struct embed *embed = user;
    (void)model;
    if (answer == BILL_GRANTED) {
        call(embed, embed->body.task);
    } else {
        text_finish(&embed->body.text);
    }
}

static void send(struct embed *embed)
{
    embed->node->provider->write_embed(&embed->body, embed->model, embed->texts,
                                       ops_get_i64(embed->config, "dimensions", 0));
    if (embed->body.text.failed) {
        text_finish(&embed->body.text);
        ops_fail_text(embed->body.task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    const struct bill_wish wish = {.model = embed->model, .bytes = embed->body.text.n};
    bill_reserve(&embed->bill, &wish, on_reserved, embed);
}

void embed_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_val texts = ops_get(config, "input");
    struct embed *embed = ops_task_alloc(task, sizeof *embed);
    if (embed == NULL) {
        return;
    }

    embed->node = node;
    embed->config = config;
    embed->body.task = task;
    embed->bill.node = node;
    embed->bill.task = task;
    embed->bill.is_final = 1; /* vectors of another model are of no use beside these */
    embed->model = question_model(node, config);
    embed->is_single = ops.value->type(ops.h, texts) == OPS_TYPE_STRING;
    embed->n_texts = embed->is_single ? 1 : ops.value->count(ops.h, texts);
    struct failing failing = {.node = node, .task = task, .model = embed->model};
    if (node->provider->embed_path == NULL) {
        failure_of_config(task, "",
                          "the provider of 'integrations.llm' makes no embeddings: use one of "
                          "'openai' and 'ollama'");
    } else if (embed->model.n == 0) {
        failure_of_config(task, "/model", "name a model here, or in 'integrations.llm'");
    } else if (instance_lacks_key(node)) {
        failure_of_kind(&failing, &failure_no_key, ops_text(NULL));
    } else if (embed->is_single && ops.value->new_list(ops.h, task, &texts, 1, &texts) != OPS_OK) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
    } else {
        embed->texts = texts;
        send(embed);
    }
}
