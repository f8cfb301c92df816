/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_WRITER_H
#define CORE_JOURNAL_SQLITE_WRITER_H

/*
 * Sqlite writer: the thread that writes. What waits when it looks becomes one transaction, up to
 * 256 writes or 1 MiB; it never waits for more. It alone copies the log into the file: at 4 MiB
 * what it can, at 64 MiB or after some idle seconds all of it and cuts the log, never waiting for
 * a reader; and at the close from 1 MiB on.
 *
 * A transaction that finds no room is rolled back and tried again, every second and with each
 * further write, and all behind it waits: what is durable is a prefix of what was submitted. What
 * stands before the first write that has no room gets in. A failed sync ends the process, and
 * so does a damaged file: the log says what is wrong with it.
 *
 * Used by:  journal_sqlite.
 * Uses:     sqlite_rows, sqlite_statements; log (one line before the process ends).
 * Threads:  functions: [loop]; the writes are the thread's between submit and collect.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/journal/journal.h"

struct error;
struct journal_trouble;
struct sqlite_work;
struct sqlite_writer;

enum { SQLITE_WRITER_DIED = 74 }; /* the exit status after a failed sync: EX_IOERR */

/* One write that waits; made by the caller, its own again once it has been collected. */
struct sqlite_write {
    struct sqlite_write *next;
    struct journal_write write; /* what it points to is kept */
    struct sqlite_work *work;   /* instead of the write; NULL: none */
    int status;                 /* for the callback */
    journal_append_cb cb;
    void *user;
};

struct sqlite_writer_options {
    sqlite3 *db;          /* taken, also on failure */
    const char *folder;   /* kept until the close */
    uint64_t epoch;       /* becomes durable with the first write */
    uint32_t retry_ms;    /* 0: 1,000 */
    uint32_t idle_ms;     /* 0: 5,000 */
    journal_wake_cb wake; /* something is to be collected, or the trouble is another one */
    void *user;
};

int sqlite_writer_open(const struct sqlite_writer_options *options,
                       struct sqlite_writer **out_writer, struct error *err);

/* Writes what waits still, ends the thread and closes the connection. NULL is fine. */
void sqlite_writer_close(struct sqlite_writer *writer);

/* Taken until it is collected. */
void sqlite_writer_submit(struct sqlite_writer *writer, struct sqlite_write *write);

/* All that is durable and has not been collected, oldest first; NULL: nothing. */
struct sqlite_write *sqlite_writer_collect(struct sqlite_writer *writer);

/* [any] How many bytes all results that are kept may take; 0: the default. */
void sqlite_writer_bound_cache(struct sqlite_writer *writer, int64_t bytes);

/* [any] Why nothing becomes durable at the moment; `why` is NULL when all is well. */
void sqlite_writer_trouble(struct sqlite_writer *writer, struct journal_trouble *out_trouble);

/* From the next failure on, all that waits and that is submitted later fails with E_CANCELED. */
void sqlite_writer_give_up(struct sqlite_writer *writer);

#endif
