/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the evaluation of a compiled condition takes, with names from a scope as the engine has
 * them (the input is a document, a node an object), and how long its compilation does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"

enum { ROUNDS = 31, EVALUATIONS = 50000, COMPILATIONS = 2000 };

static const char data[] =
    "{\"input\":{\"id\":\"t-1\",\"value\":12,\"source\":\"web\",\"tags\":[1,2,3]},"
    "\"output\":{\"confidence\":0.93,\"category\":\"technical\",\"model\":\"m\"}}";

static const char condition[] = "input.value > 10 && classify.output.category == 'technical'";

struct work {
    struct document *document;
    const struct value *input;
    const struct value *output; /* of the node */
    struct expr *expr;
};

static int resolve(void *user, struct str name, struct str *out_hint)
{
    (void)user;
    (void)out_hint;
    return str_equal(name, STR("input")) ? 0 : str_equal(name, STR("classify")) ? 1 : -1;
}

static int get_of_node(const void *object, uint32_t index, struct str field, struct cel *out,
                       struct error *err)
{
    (void)index;
    (void)err;
    if (!str_equal(field, STR("output"))) {
        return 1;
    }
    const struct work *work = object;
    cel_set_value(out, work->document, work->output);
    return 0;
}

static const struct cel_object_class node_class = {"node", get_of_node, NULL};

static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)err;
    const struct work *work = user;
    if (slot == 0) {
        cel_set_value(out, work->document, work->input);
        return 0;
    }
    *out = (struct cel){.type = CEL_OBJECT, .index = 1};
    out->as.object.class_ = &node_class;
    out->as.object.object = user;
    return 0;
}

static int evaluate_round(void *user)
{
    const struct work *work = user;
    struct expr_scope scope = {.fetch = fetch, .user = work};
    for (int i = 0; i < EVALUATIONS; i++) {
        struct arena arena = ARENA_INIT;
        struct expr_budget budget = expr_default_budget;
        struct cel result;
        int status = expr_evaluate(work->expr, &scope, &arena, &budget, &result, NULL);
        arena_finish(&arena);
        if (status != 0 || result.type != CEL_BOOL || !result.as.boolean) {
            return 1;
        }
    }
    return 0;
}

static int compile_round(void *user)
{
    (void)user;
    struct expr_names names = {.resolve = resolve};
    for (int i = 0; i < COMPILATIONS; i++) {
        struct expr *expr = NULL;
        if (expr_compile(str_from(condition), &names, 0, &expr, NULL, NULL) != 0) {
            return 1;
        }
        expr_destroy(expr);
    }
    return 0;
}

static int measure(const char *name, bench_round_cb round, struct work *work, double count,
                   double goal_ns)
{
    double ns = 0;
    if (bench_fastest(round, work, ROUNDS, &ns) != 0) {
        (void)fprintf(stderr, "bench_expr: %s: wrong result\n", name);
        return 1;
    }
    bench_print_row(
        &(struct bench_row){.name = name, .unit = "ns", .ours = ns / count, .goal = goal_ns});
    return 0;
}

int main(void)
{
    struct work work = {NULL, NULL, NULL, NULL};
    struct expr_names names = {.resolve = resolve};
    int status = 1;
    if (json_read(str_from(data), NULL, &work.document, NULL) == 0 &&
        expr_compile(str_from(condition), &names, 0, &work.expr, NULL, NULL) == 0) {
        work.input = value_get(document_root(work.document), STR("input"));
        work.output = value_get(document_root(work.document), STR("output"));
        status = measure("expr: evaluate a condition", evaluate_round, &work, EVALUATIONS, 150);
    }
    if (status == 0) {
        status = measure("expr: compile a condition", compile_round, &work, COMPILATIONS, 10000);
    }
    expr_destroy(work.expr);
    document_unref(work.document);
    return status;
}
