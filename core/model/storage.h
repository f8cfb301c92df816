/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_STORAGE_H
#define CORE_MODEL_STORAGE_H

/*
 * Storage: what a pipeline lives in. One arena for everything flat, and a list of the compiled
 * things that end with it.
 *
 * Used by:  model.
 * Uses:     pipeline, value, expr.
 * Threads:  [any]; while it is filled, one thread.
 */

#include "core/base/arena.h"
#include "core/base/strmap.h"
#include "core/model/pipeline.h"

struct owned;
struct pipeline_group;
struct sanitizer;

struct pipeline_storage {
    struct pipeline pipeline;     /* first: a pipeline is found by its address */
    struct pipeline_group *group; /* counts the references; NULL: one, whoever makes it */
    uint32_t file;                /* its number in the group */
    struct arena arena;
    struct strmap *ids;  /* of each body: (uintptr_t)(index + 1); empty: few enough to look */
    struct owned *owned; /* newest first */
};

/*
 * Empty, in no group; NULL when out of memory. Owned: storage_destroy(), or
 * pipeline_unref(&s->pipeline).
 */
struct pipeline_storage *storage_create(void);
/* For the group. NULL is fine. */
void storage_destroy(struct pipeline_storage *storage);

struct pipeline_storage *storage_of(const struct pipeline *pipeline);

/* Takes what is given, also when it fails (E_NOMEM). */
int storage_take_expr(struct pipeline_storage *storage, struct expr *expr);
int storage_take_template(struct pipeline_storage *storage, struct template *template);
int storage_take_schema(struct pipeline_storage *storage, struct schema *schema);
int storage_take_sanitizer(struct pipeline_storage *storage, struct sanitizer *sanitizer);
int storage_take_document(struct pipeline_storage *storage, struct document *document);

#endif
