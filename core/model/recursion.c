/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/recursion.h"

#include "core/base/str.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/group.h"
#include "core/model/report.h"

enum {
    MOST_CALLS = 32, /* pipelines that one is followed through: what is deeper fails in any case */
    MOST_SHOWN = 8,
};

/* The pipelines that one surely runs, and those that these run: each once, the nearest first. */
struct calls {
    const struct pipeline *pipelines[MOST_CALLS]; /* itself first */
    const struct node *nodes[MOST_CALLS];         /* its own node that leads to them */
    unsigned callers[MOST_CALLS];                 /* who runs them; 0: itself */
    unsigned count;
};

/* Nothing that would end the run comes before the node, which is number `index`. */
static bool is_first(const struct pipeline *pipeline, uint32_t index, bool is_behind_first)
{
    const struct node *node = &pipeline->nodes[index];
    const struct body *root = &pipeline->bodies[0];
    if (root->kind == BODY_STATES || node->in_count == 0) {
        return root->kind == BODY_STATES ? index == root->initial : true;
    }
    const struct edge *edge = &pipeline->edges[pipeline->in_edges[node->first_in]];
    return is_behind_first && node->in_count == 1 && edge->source + 1 == index &&
           edge->outcome == OUTCOME_SUCCESS && edge->when == NULL;
}

/* A node that runs whenever its pipeline comes to it, and fails it when it fails. */
static bool is_certain(const struct node *node)
{
    return node->kind == NODE_WORKFLOW && node->child.n > 0 && node->when == NULL &&
           node->on_error == ON_ERROR_FAIL && !node->has_error_edge;
}

static bool is_behind(const struct pipeline *a, const struct pipeline *b)
{
    struct place at = a->bodies[0].place;
    struct place other = b->bodies[0].place;
    return at.file != other.file   ? at.file > other.file
           : at.line != other.line ? at.line > other.line
                                   : at.column > other.column;
}

static bool is_known(const struct calls *calls, const struct pipeline *pipeline)
{
    for (unsigned i = 0; i < calls->count; i++) {
        if (calls->pipelines[i] == pipeline) {
            return true;
        }
    }
    return false;
}

/* "one → two → one" */
static void append_way(const struct calls *calls, unsigned last, struct strbuf *out)
{
    unsigned way[MOST_CALLS];
    unsigned count = 0;
    for (unsigned at = last; at != 0; at = calls->callers[at]) {
        way[count++] = at;
    }
    strbuf_append_str(out, calls->pipelines[0]->id);
    for (unsigned shown = 1; count > 0 && shown < MOST_SHOWN; shown++) {
        strbuf_append_format(out, " → %.*s", STR_ARG(calls->pipelines[way[count - 1]]->id));
        count--;
    }
    if (count > 0) {
        strbuf_append_text(out, " → ...");
    } else {
        strbuf_append_format(out, " → %.*s", STR_ARG(calls->pipelines[0]->id));
    }
}

static void report_circle(const struct loading *loading, const struct calls *calls, unsigned last,
                          const struct node *node)
{
    const struct report *report = report_of_place(loading->reports[node->place.file], node->place);
    struct strbuf way = STRBUF_INIT;
    append_way(calls, last, &way);
    report_warning(report, node->place, "the workflow '%.*s' runs itself without end: %.*s",
                   STR_ARG(calls->pipelines[0]->id), STR_ARG(strbuf_str(&way)));
    bool is_of_list = str_equal(calls->pipelines[0]->bodies[0].what, STR("workflows"));
    report_hint(report, is_of_list ? "leave it out, or make it a node that has a 'when'"
                                   : "give the node a 'when', so that it ends some time");
    strbuf_finish(&way);
}

/* Adds what number `caller` surely runs; true, and reported, when that is the first again. */
static bool follow(const struct loading *loading, uint32_t file, struct calls *calls,
                   unsigned caller)
{
    const struct pipeline *pipeline = calls->pipelines[caller];
    const struct body *root = &pipeline->bodies[0];
    bool was_first = false;
    for (uint32_t i = root->first_node; i < root->first_node + root->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        bool is_at_first = is_first(pipeline, i, was_first);
        const struct node *own = caller == 0 ? node : calls->nodes[caller];
        const struct pipeline *child =
            is_at_first && is_certain(node) ? group_find(loading->group, file, node->child) : NULL;
        was_first = is_at_first && node->kind == NODE_WORKFLOW;
        if (child == calls->pipelines[0]) {
            report_circle(loading, calls, caller, own);
            return true;
        }
        /* A circle is reported for the first on it. */
        if (child == NULL || calls->count == MOST_CALLS || is_known(calls, child) ||
            is_behind(calls->pipelines[0], child)) {
            continue;
        }
        calls->pipelines[calls->count] = child;
        calls->nodes[calls->count] = own;
        calls->callers[calls->count++] = caller;
    }
    return false;
}

static void check_definition(const struct loading *loading, const struct definition *definition)
{
    struct calls calls = {.pipelines = {definition->pipeline}, .count = 1};
    uint32_t file = definition->loader->report.number;
    for (unsigned i = 0; definition->pipeline != NULL && i < calls.count; i++) {
        if (follow(loading, file, &calls, i)) {
            return;
        }
    }
}

void recursion_check(const struct loading *loading)
{
    for (size_t f = 0; f < loading->file_count; f++) {
        const struct loader *file = loading->files[f];
        for (size_t i = 0; i < file->definition_count; i++) {
            check_definition(loading, &file->definitions[i]);
        }
    }
}
