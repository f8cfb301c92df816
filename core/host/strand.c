/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/strand.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/check.h"

struct strand {
    atomic_uint refs;
    struct strand_item *first;
    struct strand_item **last;
    bool is_running; /* an item's run() is on the stack */
    bool is_blocked; /* what an item left behind on the job pool has not come back */
};

struct strand *strand_create(void)
{
    struct strand *strand = calloc(1, sizeof *strand);
    if (strand == NULL) {
        return NULL;
    }

    atomic_init(&strand->refs, 1);
    strand->last = &strand->first;
    return strand;
}

struct strand *strand_ref(struct strand *strand)
{
    (void)atomic_fetch_add_explicit(&strand->refs, 1, memory_order_relaxed);
    return strand;
}

void strand_unref(struct strand *strand)
{
    if (strand != NULL && atomic_fetch_sub_explicit(&strand->refs, 1, memory_order_acq_rel) == 1) {
        CHECK(strand->first == NULL);
        free(strand);
    }
}

bool strand_is_idle(const struct strand *strand)
{
    return !strand->is_running && !strand->is_blocked && strand->first == NULL;
}

/* Items may give up the last reference on the strand: one more is held meanwhile. */
static void strand_run(struct strand *strand)
{
    (void)strand_ref(strand);
    strand->is_running = true;
    while (strand->first != NULL && !strand->is_blocked) {
        struct strand_item *item = strand->first;
        strand->first = item->next;
        if (strand->first == NULL) {
            strand->last = &strand->first;
        }
        item->run(item);
    }
    strand->is_running = false;
    strand_unref(strand);
}

void strand_post(struct strand *strand, struct strand_item *item)
{
    item->next = NULL;
    *strand->last = item;
    strand->last = &item->next;
    if (!strand->is_running && !strand->is_blocked) {
        strand_run(strand);
    }
}

void strand_block(struct strand *strand)
{
    CHECK(strand->is_running && !strand->is_blocked);
    strand->is_blocked = true;
}

void strand_resume(struct strand *strand)
{
    CHECK(strand->is_blocked && !strand->is_running);
    strand->is_blocked = false;
    strand_run(strand);
}
