/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_table.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"

enum { FIRST_SLOTS = 64 };

static struct loop_run **slot_of(const struct loop *loop, uint64_t number)
{
    return &loop->run_slots[number & (loop->run_slot_count - 1)];
}

/* Runs that nobody keeps have no number, and are not looked for. */
static void hash_run(struct loop_run *run)
{
    if (run->number != 0) {
        struct loop_run **slot = slot_of(run->loop, run->number);
        run->next_hashed = *slot;
        *slot = run;
    }
}

int run_table_reserve(struct loop *loop)
{
    if (loop->run_count < loop->run_slot_count) {
        return 0;
    }
    size_t count = loop->run_slot_count > 0 ? loop->run_slot_count * 2 : FIRST_SLOTS;
    struct loop_run **slots = calloc(count, sizeof(struct loop_run *));
    if (slots == NULL) {
        return E_NOMEM;
    }
    free(loop->run_slots);
    loop->run_slots = slots;
    loop->run_slot_count = count;
    for (struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        hash_run(run);
    }
    return 0;
}

void run_table_add(struct loop_run *run)
{
    struct loop *loop = run->loop;
    run->next = loop->runs;
    if (loop->runs != NULL) {
        loop->runs->previous = run;
    }
    loop->runs = run;
    hash_run(run);
    loop->run_count++;
}

void run_table_remove(struct loop_run *run)
{
    struct loop_run **slot = run->number != 0 ? slot_of(run->loop, run->number) : NULL;
    while (slot != NULL && *slot != run) {
        slot = &(*slot)->next_hashed;
    }
    if (slot != NULL) {
        *slot = run->next_hashed;
    }
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        run->loop->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
    run->loop->run_count--;
}

struct loop_run *run_table_find(const struct loop *loop, uint64_t number)
{
    struct loop_run *run = loop->run_slots != NULL ? *slot_of(loop, number) : NULL;
    while (run != NULL && run->number != number) {
        run = run->next_hashed;
    }
    return run;
}

struct loop_run *run_table_find_root(const struct loop *loop, uint64_t number)
{
    struct loop_run *run = run_table_find(loop, number);
    return run != NULL ? run->root : NULL;
}

void run_table_finish(struct loop *loop)
{
    free(loop->run_slots);
    loop->run_slots = NULL;
    loop->run_slot_count = 0;
}
