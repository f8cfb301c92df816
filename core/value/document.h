/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_DOCUMENT_H
#define CORE_VALUE_DOCUMENT_H

/*
 * The inside of documents, private to core/value.
 *
 * Used by:  core/value.
 * Uses:     base.
 * Threads:  [any]; a document is filled by one thread and shared only when it is whole.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/value/value.h"

struct document {
    atomic_size_t references;
    bool is_static;
    bool is_counted;    /* its size is in document_total_bytes() */
    uint32_t own_bytes; /* room that the arena begins with, behind this struct */
    size_t reach_bytes; /* with what it holds */
    size_t held_count;
    const struct document **held; /* in the arena; one reference each */
    struct document *next_dead;   /* links documents that are being freed */
    struct arena arena;
    struct value root;
};

/*
 * An empty document with one reference and the root null; NULL when out of memory. The first
 * `own_bytes` of its arena are of the same block of memory.
 */
struct document *document_create(uint32_t own_bytes);

/* It is whole: from now on its size counts. */
void document_count(struct document *document);

#endif
