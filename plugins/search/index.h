/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_INDEX_H
#define PLUGINS_SEARCH_INDEX_H

/*
 * Index: one connection to a file with documents and the words in them, SQLite's FTS5. A task
 * takes one, uses it alone, and gives it back.
 *
 *     document   what was put there, by collection and id
 *     tag        which documents have a tag
 *     words      the full-text index of title and text; it holds no texts, they are in `document`
 *     setting    how words are made
 *
 * What runs in it is stopped when its task is cancelled.
 */

#include <sqlite3.h>
#include <sys/types.h>

#include "fault.h"
#include "place.h"

enum { INDEX_PATH_BYTES = 4096 };

/* The statements that are kept prepared. */
enum index_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_GET,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_REMOVE,
    STATEMENT_ADD_WORDS,
    STATEMENT_REMOVE_WORDS,
    STATEMENT_ADD_TAG,
    STATEMENT_REMOVE_TAGS,
    STATEMENT_FIND,
    STATEMENT_FIND_ALL,
    STATEMENT_DOCUMENT,
    STATEMENT_SNIPPET,
    STATEMENTS,
};

struct index {
    struct index *next; /* of those that are idle: the place's */
    struct place *place;
    sqlite3 *db;
    dev_t device; /* of the file */
    ino_t inode;
    int log_pages;          /* in the write-ahead log, after the last commit */
    struct place_wait wait; /* of the task that has it now */
    struct fault *fault;
    sqlite3_stmt *statements[STATEMENTS];
};

struct index_options {
    const char *file; /* absolute, shorter than INDEX_PATH_BYTES; empty: in memory */
    int stems;        /* words are cut to their English stems */
    int64_t max_bytes;
    struct place_wait wait;
};

/* A connection for the task; NULL after a failure. The fault is kept until index_give(). */
struct index *index_take(const struct index_options *options, struct fault *fault);
void index_give(struct index *index);
/* Frees it; NULL is fine. Only for the place. */
void index_close(struct index *index);

/* Between these no other connection writes; what is not committed is undone. */
int index_begin(struct index *index);
int index_commit(struct index *index);
void index_end(struct index *index); /* after index_begin() that gave 1, committed or not */

/* The statement, ready to be bound: no values from before. NULL after a failure. */
sqlite3_stmt *index_statement(struct index *index, enum index_statement which);

/* SQLITE_ROW or SQLITE_DONE; 0 after a failure. */
int index_step(struct index *index, sqlite3_stmt *statement);

/* Steps a statement that gives no rows. */
int index_run(struct index *index, sqlite3_stmt *statement);

/* A text parameter; it is borrowed until the statement is used again. */
void index_bind(sqlite3_stmt *statement, int at, ops_str text);
/* A column as text, until the next step. */
ops_str index_column(sqlite3_stmt *statement, int at);

#endif
