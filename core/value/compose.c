/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/compose.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/grow.h"
#include "core/value/members.h"

int compose_init(struct compose *c, uint32_t bytes)
{
    c->nodes = c->first_nodes;
    c->count = 0;
    c->cap = COMPOSE_FIRST_NODES;
    c->depth = 0;
    c->keeps_doubled = false;
    c->document = document_create(bytes);
    return c->document != NULL ? 0 : E_NOMEM;
}

static void free_stack(struct compose *c)
{
    if (c->nodes != c->first_nodes) {
        free(c->nodes);
    }
    c->nodes = c->first_nodes;
    c->cap = COMPOSE_FIRST_NODES;
    c->count = 0;
}

void compose_finish(struct compose *c)
{
    free_stack(c);
    document_unref(c->document);
    c->document = NULL;
}

int compose_grow(struct compose *c)
{
    bool is_first = c->nodes == c->first_nodes;
    size_t cap = c->cap;
    struct value *nodes =
        array_reserve(is_first ? NULL : c->nodes, &cap, c->cap * 2, sizeof(*nodes));
    if (nodes == NULL) {
        return E_NOMEM;
    }
    if (is_first) {
        memcpy(nodes, c->first_nodes, c->count * sizeof(*nodes));
    }
    c->nodes = nodes;
    c->cap = cap;
    return 0;
}

int compose_open(struct compose *c, enum value_type type)
{
    if (c->depth == VALUE_MAX_DEPTH || c->count > UINT32_MAX) {
        return E_LIMIT;
    }
    c->frames[c->depth++] =
        (struct compose_frame){.first = (uint32_t)c->count, .type = (uint8_t)type};
    return 0;
}

static int store_list(struct compose *c, const struct value *items, size_t count,
                      struct value *out_list)
{
    struct value *copy = NULL;
    if (count > 0) {
        copy = arena_alloc(&c->document->arena, count * sizeof(*copy));
        if (copy == NULL) {
            return E_NOMEM;
        }
        memcpy(copy, items, count * sizeof(*copy));
    }
    *out_list = (struct value){.type = VALUE_LIST, .count = (uint32_t)count, .as.items = copy};
    return 0;
}

int compose_close(struct compose *c, size_t *out_double)
{
    CHECK(c->depth > 0);
    const struct compose_frame *frame = &c->frames[c->depth - 1];
    const struct value *nodes = c->nodes + frame->first;
    size_t count = c->count - frame->first;
    if (count > UINT32_MAX) {
        return E_LIMIT;
    }
    struct value closed = {0};
    int status = frame->type == VALUE_LIST
                     ? store_list(c, nodes, count, &closed)
                     : members_store(&c->document->arena, nodes, count / 2, &closed, out_double);
    if (status != 0 && (status != E_EXISTS || !c->keeps_doubled)) {
        return status;
    }
    closed.depth = (uint16_t)(frame->depth + 1);
    c->count = frame->first;
    c->depth--;
    if (c->depth > 0 && c->frames[c->depth - 1].depth < closed.depth) {
        c->frames[c->depth - 1].depth = closed.depth;
    }
    return compose_push(c, &closed);
}

struct document *compose_take(struct compose *c)
{
    CHECK(c->depth == 0 && c->count == 1);
    struct document *document = c->document;
    document->root = c->nodes[0];
    c->document = NULL;
    free_stack(c);
    document_count(document);
    return document;
}
