/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/recursion.h"

#include "core/base/str.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/group.h"
#include "core/model/report.h"

enum {
    MOST_CALLS = 32, /* the bound of depth: what is deeper fails in any case */
    MOST_SHOWN = 8,
};

/* A node that runs whenever its pipeline does, and fails it when it fails. */
static bool is_certain(const struct pipeline *pipeline, uint32_t index)
{
    const struct node *node = &pipeline->nodes[index];
    const struct body *root = &pipeline->bodies[0];
    bool is_first = root->kind == BODY_STATES ? index == root->initial : node->in_count == 0;
    return node->kind == NODE_WORKFLOW && node->child.n > 0 && node->when == NULL && is_first &&
           node->on_error == ON_ERROR_FAIL && !node->has_error_edge;
}

/* The node of `pipeline` that surely runs another one, and that one; NULL: there is none. */
static const struct node *certain_call(const struct loading *loading, uint32_t file,
                                       const struct pipeline *pipeline,
                                       const struct pipeline **out_child)
{
    const struct body *root = &pipeline->bodies[0];
    for (uint32_t i = root->first_node; i < root->first_node + root->node_count; i++) {
        if (is_certain(pipeline, i)) {
            *out_child = group_find(loading->group, file, pipeline->nodes[i].child);
            return *out_child != NULL ? &pipeline->nodes[i] : NULL;
        }
    }
    return NULL;
}

static void report_circle(const struct loading *loading, uint32_t file,
                          const struct pipeline *pipeline, const struct node *node)
{
    const struct report *report = report_of_place(loading->reports[file], node->place);
    const struct pipeline *at = pipeline;
    struct strbuf way = STRBUF_INIT;
    strbuf_append_str(&way, pipeline->id);
    for (unsigned i = 0; i < MOST_SHOWN && certain_call(loading, file, at, &at) != NULL; i++) {
        strbuf_append_format(&way, " → %.*s", STR_ARG(at->id));
        if (at == pipeline) {
            break;
        }
    }
    report_warning(report, node->place, "the workflow '%.*s' runs itself without end: %.*s%s",
                   STR_ARG(pipeline->id), STR_ARG(strbuf_str(&way)),
                   at == pipeline ? "" : " → ...");
    report_hint(report, "give the node a 'when', so that it ends some time");
    strbuf_finish(&way);
}

static bool is_behind(const struct pipeline *a, const struct pipeline *b)
{
    struct place at = a->bodies[0].place;
    struct place other = b->bodies[0].place;
    return at.file != other.file   ? at.file > other.file
           : at.line != other.line ? at.line > other.line
                                   : at.column > other.column;
}

static void check_definition(const struct loading *loading, const struct definition *definition)
{
    const struct pipeline *pipeline = definition->pipeline;
    const struct pipeline *at = pipeline;
    uint32_t file = definition->loader->report.number;
    for (unsigned i = 0; pipeline != NULL && i <= MOST_CALLS; i++) {
        if (certain_call(loading, file, at, &at) == NULL || is_behind(pipeline, at)) {
            return; /* the circle, if it is one, is reported for the first on it */
        }
        if (at == pipeline) {
            const struct pipeline *child = NULL;
            report_circle(loading, file, pipeline, certain_call(loading, file, pipeline, &child));
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
