/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_rows.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/cli/body_text.h"
#include "core/model/pipeline.h"

/* The nodes of a body by step, in the file's order within one: a counting sort. */
struct steps {
    uint32_t *nodes;
    uint32_t *first; /* of each step, while they are sorted: of the one before */
};

static void steps_finish(struct steps *steps)
{
    free(steps->nodes);
    free(steps->first);
}

uint32_t plan_rows_count_steps(const struct pipeline *pipeline, uint32_t body)
{
    const struct body *in = &pipeline->bodies[body];
    uint32_t count = 0;
    for (uint32_t i = in->first_node; i < in->first_node + in->node_count; i++) {
        uint32_t step = pipeline->nodes[i].layer + 1;
        count = step > count ? step : count;
    }
    return count;
}

static int steps_init(struct steps *steps, const struct pipeline *pipeline, uint32_t index)
{
    const struct body *body = &pipeline->bodies[index];
    uint32_t count = plan_rows_count_steps(pipeline, index);
    steps->nodes = calloc((size_t)body->node_count + 1, sizeof(*steps->nodes));
    steps->first = calloc((size_t)count + 2, sizeof(*steps->first));
    if (steps->nodes == NULL || steps->first == NULL) {
        steps_finish(steps);
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < body->node_count; i++) {
        steps->first[pipeline->nodes[body->first_node + i].layer + 1]++;
    }
    for (uint32_t i = 1; i <= count; i++) {
        steps->first[i] += steps->first[i - 1];
    }
    for (uint32_t i = 0; i < body->node_count; i++) {
        uint32_t node = body->first_node + i;
        steps->nodes[steps->first[pipeline->nodes[node].layer]++] = node;
    }
    return 0;
}

static int add_row(struct plan_rows *rows, struct plan_row row)
{
    struct plan_row *grown = array_reserve(rows->rows, &rows->cap, rows->count + 1, sizeof(row));
    if (grown == NULL) {
        return E_NOMEM;
    }
    rows->rows = grown;
    rows->rows[rows->count++] = row;
    return 0;
}

static int add_body(struct plan_rows *rows, const struct pipeline *pipeline,
                    const struct plan_row *like);

static int add_node(struct plan_rows *rows, const struct pipeline *pipeline, struct plan_row row)
{
    uint32_t own_body = pipeline->nodes[row.node].own_body;
    int status = add_row(rows, row);
    if (status != 0 || own_body == 0) {
        return status;
    }
    struct plan_row inside = {
        .body = own_body, .depth = row.depth + 1, .around = (uint32_t)(rows->count - 1)};
    return add_body(rows, pipeline, &inside);
}

/* The nodes of the body of `like`, with its depth. Bodies are nested as deep as a file: 64. */
static int add_body(struct plan_rows *rows, const struct pipeline *pipeline,
                    const struct plan_row *like)
{
    const struct body *body = &pipeline->bodies[like->body];
    struct plan_row row = *like;
    struct steps steps = {0};
    int status = body->kind == BODY_GRAPH ? steps_init(&steps, pipeline, like->body) : 0;
    if (status != 0) {
        return status;
    }
    for (uint32_t i = 0; i < body->node_count && status == 0; i++) {
        row.node = body->kind == BODY_GRAPH ? steps.nodes[i] : body->first_node + i;
        row.step = body->kind == BODY_GRAPH ? pipeline->nodes[row.node].layer + 1 : 0;
        status = add_node(rows, pipeline, row);
    }
    steps_finish(&steps);
    return status;
}

int plan_rows_init(struct plan_rows *rows, const struct pipeline *pipeline)
{
    struct plan_row root = {.around = PIPELINE_NO_NODE};
    uint32_t endings[BODY_ENDINGS];
    uint32_t count = body_text_endings(pipeline, endings);
    *rows = (struct plan_rows){0};
    int status = add_body(rows, pipeline, &root);
    for (uint32_t i = 0; i < count && status == 0; i++) {
        struct plan_row ending = {
            .node = PIPELINE_NO_NODE, .body = endings[i], .around = PIPELINE_NO_NODE};
        status = add_row(rows, ending);
        status = status == 0 ? add_body(rows, pipeline, &ending) : status;
    }
    return status;
}

void plan_rows_finish(struct plan_rows *rows)
{
    free(rows->rows);
    *rows = (struct plan_rows){0};
}

void plan_rows_append_step(const struct plan_rows *rows, size_t row, struct strbuf *out)
{
    enum { SHOWN = 64 };
    uint32_t steps[SHOWN];
    size_t count = 0;
    uint32_t at = (uint32_t)row;
    while (at != PIPELINE_NO_NODE && count < SHOWN && rows->rows[at].step > 0) {
        steps[count++] = rows->rows[at].step;
        at = rows->rows[at].around;
    }
    for (size_t i = count; i > 0; i--) {
        strbuf_append_format(out, i == count ? "%u" : ".%u", steps[i - 1]);
    }
}
