/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/record.h"
#include "core/journal/journal_sqlite.h"
#include "core/journal/sqlite_file.h"
#include "core/journal/sqlite_rows.h"
#include "core/journal/sqlite_work.h"

enum {
    GROUP_WRITES = 256,
    GROUP_BYTES = 1024 * 1024,
    RETRY_MS = 1000,
    IDLE_MS = 5000,
    PASSIVE_BYTES = 4 * 1024 * 1024,
    CLOSE_BYTES = 1024 * 1024,
    TRUNCATE_BYTES = 64 * 1024 * 1024,
};

struct queue {
    struct sqlite_write *first;
    struct sqlite_write *last;
};

struct sqlite_writer {
    sqlite3 *db;
    struct sqlite_statements statements;
    struct sqlite_rows rows;
    uint32_t retry_ms;
    uint32_t idle_ms;
    uint64_t epoch;
    bool has_epoch; /* it is durable */
    journal_wake_cb wake;
    void *user;
    int64_t page_bytes;
    int64_t log_bytes; /* after the last commit */
    int64_t tried_at_bytes;
    bool is_log_used; /* something is in the log that is not in the file */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t submitted;
    bool has_given_up; /* a write has failed: no later one may be kept */
    /* under the lock: */
    struct queue waiting;
    struct queue done;
    struct journal_trouble trouble;
    bool is_giving_up;
    bool is_closing;
};

/* ---- queues ---- */

static void queue_put(struct queue *queue, struct sqlite_write *write)
{
    write->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = write;
    } else {
        queue->first = write;
    }
    queue->last = write;
}

/* The whole of `front` goes before what is in `queue`. */
static void queue_put_back(struct queue *queue, struct queue front)
{
    if (front.first == NULL) {
        return;
    }
    front.last->next = queue->first;
    queue->first = front.first;
    queue->last = queue->last != NULL ? queue->last : front.last;
}

/* Takes the first `count` out, or all. */
static struct queue queue_take(struct queue *queue, size_t count)
{
    struct queue taken = {.first = queue->first};
    for (struct sqlite_write *at = queue->first; at != NULL && count > 0; at = at->next, count--) {
        taken.last = at;
    }
    if (taken.last != NULL) {
        queue->first = taken.last->next;
        taken.last->next = NULL;
    }
    queue->last = queue->first != NULL ? queue->last : NULL;
    return taken;
}

static void queue_append(struct queue *queue, struct queue behind)
{
    if (behind.first == NULL) {
        return;
    }
    if (queue->last != NULL) {
        queue->last->next = behind.first;
    } else {
        queue->first = behind.first;
    }
    queue->last = behind.last;
}

/* ---- failures ---- */

/* A restart finds the same. */
static void tell_damage(const struct sqlite_writer *writer, int rc)
{
    log_write(
        LOG_LEVEL_ERROR,
        "the journal is damaged: put it back from a backup; 'opstream db check' looks for more",
        LOG_FIELDS(log_text("file", sqlite3_db_filename(writer->db, "main")),
                   log_text("reason", sqlite_file_reason(writer->db, rc)), log_int("code", rc)));
}

/* Nobody knows what is durable: a restart finds out. */
static _Noreturn void die(const struct sqlite_writer *writer, int rc)
{
    if (sqlite_file_is_damage(rc)) {
        tell_damage(writer, rc);
        _exit(SQLITE_WRITER_DIED);
    }
    log_write(LOG_LEVEL_ERROR, "the journal cannot be written; start again to recover",
              LOG_FIELDS(log_text("reason", sqlite3_errstr(rc)), log_int("code", rc),
                         log_int("errno", sqlite3_system_errno(writer->db))));
    _exit(SQLITE_WRITER_DIED);
}

static bool is_no_room(const struct sqlite_writer *writer, int rc)
{
    int errnum = sqlite3_system_errno(writer->db);
    return (rc & 0xff) == SQLITE_FULL ||
           ((rc & 0xff) == SQLITE_IOERR && (errnum == ENOSPC || errnum == EDQUOT));
}

static bool is_failed_sync(int rc)
{
    return rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
}

/* What may be better in a second; anything else ends the process. */
static const char *trouble_of(const struct sqlite_writer *writer, int rc)
{
    if (is_failed_sync(rc)) {
        die(writer, rc);
    }
    if (is_no_room(writer, rc)) {
        return "the disk is full";
    }
    if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) {
        return "there is no memory";
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* the same, for long */
        return "another program holds the database";
    case SQLITE_CANTOPEN:
        return "its files cannot be opened";
    default:
        die(writer, rc);
    }
}

/* ---- the log ---- */

static int on_commit(void *user, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_writer *writer = user;
    (void)db;
    (void)name;
    writer->log_bytes = (int64_t)pages * writer->page_bytes;
    writer->is_log_used = true;
    return SQLITE_OK;
}

/* A reader may keep some of it back; what is left is copied the next time. */
static void checkpoint(struct sqlite_writer *writer, int mode)
{
    int in_log = 0;
    int copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(writer->db, NULL, mode, &in_log, &copied);
    if (is_failed_sync(rc)) {
        die(writer, rc);
    }
    writer->tried_at_bytes = writer->log_bytes;
    if (rc == SQLITE_OK && in_log == copied) {
        writer->is_log_used = mode != SQLITE_CHECKPOINT_TRUNCATE;
        writer->tried_at_bytes = 0;
        writer->log_bytes = 0;
    }
}

static void checkpoint_if_large(struct sqlite_writer *writer)
{
    if (writer->log_bytes < writer->tried_at_bytes) { /* it has begun anew */
        writer->tried_at_bytes = 0;
    }
    if (writer->log_bytes - writer->tried_at_bytes < PASSIVE_BYTES) {
        return;
    }
    checkpoint(writer, writer->log_bytes >= TRUNCATE_BYTES ? SQLITE_CHECKPOINT_TRUNCATE
                                                           : SQLITE_CHECKPOINT_PASSIVE);
}

static void checkpoint_idle(struct sqlite_writer *writer)
{
    checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE);
    writer->is_log_used = false; /* what a reader keeps back waits for the next write */
    (void)sqlite3_db_release_memory(writer->db);
}

/* ---- one transaction ---- */

static int write_epoch(struct sqlite_writer *writer)
{
    if (writer->has_epoch) {
        return SQLITE_OK;
    }
    struct sqlite_call call = sqlite_statements_call(&writer->statements, SQLITE_STATEMENT_EPOCH);
    sqlite_call_int(&call, (int64_t)writer->epoch);
    return sqlite_call_end(&call);
}

static int write_one(struct sqlite_writer *writer, struct sqlite_write *write)
{
    if (write->work == NULL) {
        return sqlite_rows_add(&writer->rows, &write->write);
    }
    return write->work->write != NULL ? write->work->write(write->work, writer->db) : SQLITE_OK;
}

/* It is durable, and alone in its transaction. */
static void finish_work(struct sqlite_writer *writer, struct sqlite_write *write)
{
    if (write->work == NULL || write->work->after == NULL) {
        return;
    }
    int rc = write->work->after(write->work, writer->db);
    if (rc != SQLITE_OK) {
        (void)trouble_of(writer, rc); /* which ends the process where that is called for */
        write->status = (rc & 0xff) == SQLITE_NOMEM ? E_NOMEM : E_IO;
    }
}

/* What is tried in one transaction. */
struct group {
    struct sqlite_write *first;
    size_t most;
    size_t count; /* of those that went into it */
};

static int write_inside(struct sqlite_writer *writer, struct group *group)
{
    int rc = write_epoch(writer);
    group->count = 0;
    for (struct sqlite_write *at = group->first;
         rc == SQLITE_OK && at != NULL && group->count < group->most; at = at->next) {
        if (group->count > 0 && (at->work != NULL || writer->rows.bytes >= GROUP_BYTES)) {
            break; /* work is in a transaction of its own */
        }
        rc = write_one(writer, at);
        group->count++;
        if (at->work != NULL) {
            break;
        }
    }
    return rc == SQLITE_OK ? sqlite_rows_complete(&writer->rows) : rc;
}

static int try_transaction(struct sqlite_writer *writer, struct group *group)
{
    int rc = sqlite_statements_do(&writer->statements, SQLITE_STATEMENT_BEGIN);
    if (rc != SQLITE_OK) {
        return rc;
    }
    sqlite_rows_begin(&writer->rows);
    rc = write_inside(writer, group);
    if (rc == SQLITE_OK) {
        rc = sqlite_statements_do(&writer->statements, SQLITE_STATEMENT_COMMIT);
    }
    if (is_failed_sync(rc)) {
        die(writer, rc); /* before anything else is written */
    }
    if (rc != SQLITE_OK) {
        sqlite_rows_undo(&writer->rows);
    }
    return rc;
}

static const struct journal_write *head_of(const struct group *group)
{
    return group->first->work == NULL ? &group->first->write : NULL;
}

/* Of the write that stands first, alone: all others wait for it. */
static struct journal_trouble describe(const struct sqlite_writer *writer,
                                       const struct group *group, const char *why)
{
    const struct journal_write *head = head_of(group);
    const struct batch *batch = head != NULL ? head->batch : NULL;
    struct journal_trouble trouble = {.why = why, .bytes = writer->rows.bytes};
    if (batch != NULL && batch->record_count > 0) {
        trouble.run = batch->records[0].run_number;
    }
    return trouble;
}

static void set_trouble(struct sqlite_writer *writer, struct journal_trouble trouble)
{
    (void)pthread_mutex_lock(&writer->lock);
    bool is_news = writer->trouble.why != trouble.why;
    writer->trouble = trouble;
    (void)pthread_mutex_unlock(&writer->lock);
    if (is_news) {
        writer->wake(writer->user);
    }
}

/* Whoever stands before the first one that has no room need not wait for it. */
static bool try_fewer(const struct sqlite_writer *writer, struct group *group, int rc)
{
    bool may_fit = group->most > 1 && group->count > 1 && is_no_room(writer, rc);
    group->most = 1;
    return may_fit;
}

static int try_group(struct sqlite_writer *writer, struct group *group)
{
    int rc = SQLITE_OK;
    bool is_again = false;
    do {
        rc = try_transaction(writer, group);
        if (rc == SQLITE_OK) {
            writer->has_epoch = true;
            set_trouble(writer, (struct journal_trouble){0});
            return SQLITE_OK;
        }
        const char *why = trouble_of(writer, rc); /* of this failure, not of the next call */
        is_again = try_fewer(writer, group, rc);
        if (sqlite3_get_autocommit(writer->db) == 0) {
            (void)sqlite_statements_do(&writer->statements, SQLITE_STATEMENT_ROLLBACK);
        }
        if (!is_again) {
            set_trouble(writer, describe(writer, group, why));
        }
    } while (is_again);
    return rc;
}

/* ---- the thread ---- */

/* Under the lock. Whether the time is over; else somebody has something to say. */
static bool wait_ms(struct sqlite_writer *writer, uint32_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&writer->submitted, &writer->lock, &until) == ETIMEDOUT;
}

/* Under the lock: what waits, or nothing when the writer is to end. */
static struct queue wait_for_writes(struct sqlite_writer *writer)
{
    while (writer->waiting.first == NULL && !writer->is_closing) {
        if (!writer->is_log_used) {
            (void)pthread_cond_wait(&writer->submitted, &writer->lock); /* the caller looks */
            continue;
        }
        bool is_idle = wait_ms(writer, writer->idle_ms);
        if (is_idle && writer->waiting.first == NULL && !writer->is_closing) {
            (void)pthread_mutex_unlock(&writer->lock);
            checkpoint_idle(writer);
            (void)pthread_mutex_lock(&writer->lock);
        }
    }
    return queue_take(&writer->waiting, GROUP_WRITES);
}

/* Until there may be room, or nobody waits for that any more. */
static void wait_for_room(struct sqlite_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    if (!writer->is_giving_up) {
        (void)wait_ms(writer, writer->retry_ms); /* whoever woke it may have made room */
    }
    writer->has_given_up = writer->is_giving_up;
    (void)pthread_mutex_unlock(&writer->lock);
}

static struct queue give_up(struct queue group)
{
    for (struct sqlite_write *at = group.first; at != NULL; at = at->next) {
        at->status = E_CANCELED;
    }
    return group;
}

/* Until the first of the group are durable: returns these, the rest goes back. */
static struct queue write_group(struct sqlite_writer *writer, struct queue group)
{
    struct group tried = {.first = group.first, .most = GROUP_WRITES};
    while (!writer->has_given_up && try_group(writer, &tried) != SQLITE_OK) {
        wait_for_room(writer);
    }
    if (writer->has_given_up) {
        return give_up(group);
    }
    struct queue written = queue_take(&group, tried.count);
    finish_work(writer, written.first);
    if (group.first != NULL) {
        (void)pthread_mutex_lock(&writer->lock);
        queue_put_back(&writer->waiting, group);
        (void)pthread_mutex_unlock(&writer->lock);
    }
    return written;
}

/* Whoever opens the file next reads all of the log first, also what was copied already. */
static void checkpoint_at_close(struct sqlite_writer *writer)
{
    if (writer->log_bytes >= CLOSE_BYTES) {
        checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE);
    }
}

static void *run_thread(void *user)
{
    struct sqlite_writer *writer = user;
    sqlite_statements_prepare_usual(&writer->statements); /* while nothing is waited for yet */
    (void)pthread_mutex_lock(&writer->lock);
    for (;;) {
        struct queue group = wait_for_writes(writer);
        if (group.first == NULL) {
            break;
        }
        (void)pthread_mutex_unlock(&writer->lock);
        struct queue written = write_group(writer, group);
        (void)pthread_mutex_lock(&writer->lock);
        queue_append(&writer->done, written);
        (void)pthread_mutex_unlock(&writer->lock);
        writer->wake(writer->user);
        checkpoint_if_large(writer);
        (void)pthread_mutex_lock(&writer->lock);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    checkpoint_at_close(writer);
    return NULL;
}

/* ---- public ---- */

static void destroy(struct sqlite_writer *writer)
{
    sqlite_rows_finish(&writer->rows);
    sqlite_statements_finish(&writer->statements);
    CHECK(sqlite3_close(writer->db) == SQLITE_OK); /* no statement is left */
    free(writer);
}

static int prepare(struct sqlite_writer *writer, const char *folder)
{
    int rc = sqlite_rows_init(&writer->rows, &writer->statements, folder);
    if (rc == SQLITE_OK) {
        rc = sqlite_call_number(writer->db, "PRAGMA page_size", &writer->page_bytes);
    }
    (void)sqlite3_wal_hook(writer->db, on_commit, writer); /* there was none before */
    return rc;
}

static int init_locks(struct sqlite_writer *writer)
{
    pthread_condattr_t attributes;
    int failure = pthread_condattr_init(&attributes);
    if (failure == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* a clock that it knows */
        failure = pthread_cond_init(&writer->submitted, &attributes);
        (void)pthread_condattr_destroy(&attributes); /* cannot fail */
    }
    return failure != 0 ? failure : pthread_mutex_init(&writer->lock, NULL);
}

static int start(struct sqlite_writer *writer, const char *folder, struct error *err)
{
    int rc = prepare(writer, folder);
    if (rc != SQLITE_OK) {
        return sqlite_file_fault(writer->db, rc, "cannot read the database", err);
    }
    int failure = init_locks(writer);
    if (failure == 0) {
        failure = pthread_create(&writer->thread, NULL, run_thread, writer);
    }
    return failure == 0 ? 0
                        : error_set_errno(err, E_NOMEM, failure, "cannot start the journal thread");
}

int sqlite_writer_open(const struct sqlite_writer_options *options,
                       struct sqlite_writer **out_writer, struct error *err)
{
    struct sqlite_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        (void)sqlite3_close(options->db); /* nothing was written */
        return error_nomem(err);
    }
    writer->db = options->db;
    writer->statements.db = options->db;
    writer->epoch = options->epoch;
    writer->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
    writer->idle_ms = options->idle_ms > 0 ? options->idle_ms : IDLE_MS;
    writer->wake = options->wake;
    writer->user = options->user;
    int status = start(writer, options->folder, err);
    if (status != 0) {
        destroy(writer);
        return status;
    }
    *out_writer = writer;
    return 0;
}

void sqlite_writer_close(struct sqlite_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_closing = true;
    (void)pthread_cond_signal(&writer->submitted);
    (void)pthread_mutex_unlock(&writer->lock);
    (void)pthread_join(writer->thread, NULL); /* it is joined once */
    (void)pthread_cond_destroy(&writer->submitted);
    (void)pthread_mutex_destroy(&writer->lock);
    destroy(writer);
}

void sqlite_writer_submit(struct sqlite_writer *writer, struct sqlite_write *write)
{
    (void)pthread_mutex_lock(&writer->lock);
    queue_put(&writer->waiting, write);
    (void)pthread_cond_signal(&writer->submitted);
    (void)pthread_mutex_unlock(&writer->lock);
}

struct sqlite_write *sqlite_writer_collect(struct sqlite_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    struct sqlite_write *first = writer->done.first;
    writer->done = (struct queue){0};
    (void)pthread_mutex_unlock(&writer->lock);
    return first;
}

void sqlite_writer_bound_cache(struct sqlite_writer *writer, int64_t bytes)
{
    sqlite_cache_set_bound(&writer->rows.cache, bytes);
}

void sqlite_writer_trouble(struct sqlite_writer *writer, struct journal_trouble *out_trouble)
{
    (void)pthread_mutex_lock(&writer->lock);
    *out_trouble = writer->trouble;
    (void)pthread_mutex_unlock(&writer->lock);
}

void sqlite_writer_give_up(struct sqlite_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_giving_up = true;
    (void)pthread_cond_signal(&writer->submitted);
    (void)pthread_mutex_unlock(&writer->lock);
}
