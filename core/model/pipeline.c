/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/pipeline.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/group.h"
#include "core/model/storage.h"
#include "core/value/sanitizer.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum owned_kind {
    OWNED_EXPR,
    OWNED_TEMPLATE,
    OWNED_SCHEMA,
    OWNED_DOCUMENT,
    OWNED_SANITIZER,
};

struct owned {
    struct owned *older;
    enum owned_kind kind;
    void *thing;
};

static void end_thing(enum owned_kind kind, void *thing)
{
    switch (kind) {
    case OWNED_EXPR:
        expr_destroy(thing);
        return;
    case OWNED_TEMPLATE:
        template_destroy(thing);
        return;
    case OWNED_SCHEMA:
        schema_destroy(thing);
        return;
    case OWNED_DOCUMENT:
        document_unref(thing);
        return;
    case OWNED_SANITIZER:
        sanitizer_destroy(thing);
        return;
    }
    unreachable_state("owned kind", (int)kind);
}

static int take_thing(struct pipeline_storage *storage, enum owned_kind kind, void *thing)
{
    struct owned *owned = arena_alloc(&storage->arena, sizeof(*owned));
    if (owned == NULL) {
        end_thing(kind, thing);
        return E_NOMEM;
    }
    *owned = (struct owned){.older = storage->owned, .kind = kind, .thing = thing};
    storage->owned = owned;
    return 0;
}

struct pipeline_storage *storage_create(void)
{
    return calloc(1, sizeof(struct pipeline_storage));
}

void storage_destroy(struct pipeline_storage *storage)
{
    if (storage == NULL) {
        return;
    }
    for (struct owned *owned = storage->owned; owned != NULL; owned = owned->older) {
        end_thing(owned->kind, owned->thing);
    }
    for (uint32_t i = 0; storage->ids != NULL && i < storage->pipeline.body_count; i++) {
        strmap_finish(&storage->ids[i]);
    }
    arena_finish(&storage->arena);
    free(storage);
}

struct pipeline_storage *storage_of(const struct pipeline *pipeline)
{
    return (struct pipeline_storage *)(uintptr_t)pipeline;
}

int storage_take_expr(struct pipeline_storage *storage, struct expr *expr)
{
    return take_thing(storage, OWNED_EXPR, expr);
}

int storage_take_template(struct pipeline_storage *storage, struct template *template)
{
    return take_thing(storage, OWNED_TEMPLATE, template);
}

int storage_take_schema(struct pipeline_storage *storage, struct schema *schema)
{
    return take_thing(storage, OWNED_SCHEMA, schema);
}

int storage_take_sanitizer(struct pipeline_storage *storage, struct sanitizer *sanitizer)
{
    return take_thing(storage, OWNED_SANITIZER, sanitizer);
}

int storage_take_document(struct pipeline_storage *storage, struct document *document)
{
    return take_thing(storage, OWNED_DOCUMENT, document);
}

struct pipeline *pipeline_ref(const struct pipeline *pipeline)
{
    if (pipeline == NULL) {
        return NULL;
    }
    struct pipeline_storage *storage = storage_of(pipeline);
    CHECK(storage->group != NULL);
    group_ref(storage->group);
    return &storage->pipeline;
}

void pipeline_unref(const struct pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    struct pipeline_storage *storage = storage_of(pipeline);
    if (storage->group != NULL) {
        group_unref(storage->group);
    } else {
        storage_destroy(storage);
    }
}

const struct pipeline *pipeline_find_other(const struct pipeline *pipeline, struct str id)
{
    const struct pipeline_storage *storage = storage_of(pipeline);
    return storage->group != NULL ? group_find(storage->group, storage->file, id) : NULL;
}

/* The node `id` in `body` itself, or -1. */
static int64_t find_in(const struct pipeline *pipeline, uint32_t body, struct str id)
{
    const struct strmap *ids = &storage_of(pipeline)->ids[body];
    const struct body *in = &pipeline->bodies[body];
    if (ids->count > 0) {
        return (int64_t)(uintptr_t)strmap_get(ids, id) - 1;
    }
    if (in->owner != PIPELINE_NO_NODE && pipeline->nodes[in->owner].compensate == body) {
        return -1; /* the id of a compensation means what it undoes */
    }
    for (uint32_t i = 0; i < in->node_count; i++) {
        if (str_equal(pipeline->nodes[in->first_node + i].id, id)) {
            return (int64_t)in->first_node + i;
        }
    }
    return -1;
}

struct str pipeline_file_of(const struct pipeline *pipeline, struct place place)
{
    const struct pipeline_storage *storage = storage_of(pipeline);
    return place.line > 0 && place.file != storage->file ? group_file(storage->group, place.file)
                                                         : pipeline->file;
}

int64_t pipeline_find_node(const struct pipeline *pipeline, struct str id)
{
    return find_in(pipeline, 0, id);
}

/* The body around `body`, or `body` itself when it is the root. */
static uint32_t body_around(const struct pipeline *pipeline, uint32_t body)
{
    uint32_t owner = pipeline->bodies[body].owner;
    return owner == PIPELINE_NO_NODE ? 0 : pipeline->nodes[owner].body;
}

int64_t pipeline_find_visible(const struct pipeline *pipeline, uint32_t body, struct str id)
{
    int64_t found = find_in(pipeline, body, id);
    while (found < 0 && body != 0) {
        body = body_around(pipeline, body);
        found = find_in(pipeline, body, id);
    }
    return found;
}

const struct integration *pipeline_find_integration(const struct pipeline *pipeline,
                                                    struct str plugin)
{
    for (uint32_t i = 0; i < pipeline->integration_count; i++) {
        if (str_equal(pipeline->integrations[i].plugin, plugin)) {
            return &pipeline->integrations[i];
        }
    }
    return NULL;
}
