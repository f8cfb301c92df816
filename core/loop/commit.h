/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_COMMIT_H
#define CORE_LOOP_COMMIT_H

/*
 * Commit: one write of the journal on its way: what the engine decided, what else has to be
 * durable with it (new runs, definitions, audit rows, marks, log lines), and who is told when it
 * is. Texts are copied into it. The first failure of memory is remembered: commit_submit() says
 * so, and submits nothing.
 *
 * Used by:  run_driver, and who adds to its writes; for the files of this folder alone.
 * Uses:     engine (batches), journal.
 * Threads:  [loop]; while it is submitted nobody changes it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/journal/journal.h"

struct error;
struct loop;
struct loop_run;

/* All that the write says is durable (0), or never will be (negative). */
typedef void (*commit_ack_cb)(void *user, int status);

struct commit_ack {
    commit_ack_cb cb;
    void *user;
};

struct commit {
    struct loop *loop;
    struct commit *next_spare;
    struct batch batch;
    struct arena arena;
    struct journal_definition *definitions;
    size_t definition_count;
    size_t definition_cap;
    struct journal_new_run *runs;
    size_t run_count;
    size_t run_cap;
    struct journal_audit *audits;
    size_t audit_count;
    size_t audit_cap;
    struct journal_mark *marks;
    size_t mark_count;
    size_t mark_cap;
    struct journal_log *logs;
    size_t log_count;
    size_t log_cap;
    struct journal_kv *kvs;
    size_t kv_count;
    size_t kv_cap;
    struct commit_ack *acks;
    size_t ack_count;
    size_t ack_cap;
    bool has_failed;
    bool is_counted; /* in loop->scope_writes */
};

/* Owned: commit_submit() or commit_destroy(). NULL after run_driver_fail(): out of memory. */
struct commit *commit_create(struct loop *loop);
void commit_destroy(struct commit *commit);
/* Frees the loop's spare ones. */
void commit_free_spares(struct loop *loop);

void commit_add_definition(struct commit *commit, const struct journal_definition *definition);
void commit_add_run(struct commit *commit, const struct journal_new_run *run);
void commit_add_audit(struct commit *commit, const struct journal_audit *audit);
void commit_add_mark(struct commit *commit, const struct journal_mark *mark);
void commit_add_log(struct commit *commit, const struct journal_log *log);
void commit_add_kv(struct commit *commit, const struct journal_kv *kv);
/* `cb` runs once, also when the commit is given up. */
void commit_add_ack(struct commit *commit, commit_ack_cb cb, void *user);

/* Nothing in it and nobody to tell. */
bool commit_is_empty(const struct commit *commit);

/*
 * Hands it to the journal; it is taken. `cb` gets it back when it is durable or has failed. Fails
 * with E_NOMEM, and then it is destroyed, after telling its acks.
 */
int commit_submit(struct commit *commit, void (*cb)(void *commit, int status), struct error *err);

/* Tells the acks, once. */
void commit_tell(struct commit *commit, int status);

#endif
