/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_children.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/pipeline.h"

static bool is_there(const struct plan_children *children, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < children->count; i++) {
        if (children->pipelines[i] == pipeline) {
            return true;
        }
    }
    return false;
}

static int add(struct plan_children *children, const struct pipeline *pipeline)
{
    if (pipeline == NULL || is_there(children, pipeline)) {
        return 0;
    }
    const struct pipeline **grown = array_reserve(
        children->pipelines, &children->cap, children->count + 1, sizeof(const struct pipeline *));
    if (grown == NULL) {
        return E_NOMEM;
    }
    children->pipelines = grown;
    children->pipelines[children->count++] = pipeline;
    return 0;
}

int plan_children_init(struct plan_children *children, const struct pipeline *pipeline)
{
    *children = (struct plan_children){0};
    int status = add(children, pipeline);
    for (size_t i = 0; i < children->count && status == 0; i++) {
        const struct pipeline *from = children->pipelines[i];
        for (uint32_t n = 0; n < from->node_count && status == 0; n++) {
            struct str id = from->nodes[n].child;
            status = id.n > 0 ? add(children, pipeline_find_other(from, id)) : 0;
        }
    }
    return status;
}

void plan_children_finish(struct plan_children *children)
{
    free(children->pipelines);
    *children = (struct plan_children){0};
}
