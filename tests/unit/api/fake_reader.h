/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_API_FAKE_READER_H
#define TESTS_UNIT_API_FAKE_READER_H

/*
 * Fake reader: the functions of journal_reader.h over arrays that a test fills; a program that
 * links it has no other reader. And requests to the routes, answered and read.
 *
 * Used by:  the tests of routes.
 * Uses:     core/api, core/journal (header).
 * Threads:  [main]
 */

#include "core/api/answer.h"
#include "core/api/query.h"
#include "core/journal/journal_reader.h"

struct api_numbers;
struct document;
struct value;

struct journal_reader {
    const struct journal_run *runs; /* by rising number */
    size_t run_count;
    const struct journal_node *nodes;
    size_t node_count;
    uint64_t nodes_of;              /* the run whose nodes they are; 0: of every run */
    const struct journal_row *rows; /* by rising id */
    size_t row_count;
    const struct journal_log_row *logs;
    size_t log_count;
    const struct journal_audit_row *audits;
    size_t audit_count;
    const struct journal_scope_row *scopes; /* by rising key */
    size_t scope_count;
    int64_t usual_ms;
    int fails_with;              /* every function does; 0: none */
    struct journal_filter asked; /* the last list that was asked for */
};

enum { FAKE_NOW = 1800000000 }; /* seconds: "2027-01-15T08:00:00Z" */

/*
 * Five runs: 1 "nightly" completed; 2 "deploy" is running and has called 3 "fetch"; 4 "deploy"
 * failed; 5 "nightly" is blocked. With nodes, rows, logs and audit of run 2. And four breakers.
 */
struct journal_reader fake_sample(void);

#define FAKE_RUN_1  "019a0000-1111-7aaa-8aaa-aaaaaaaaaaaa"
#define FAKE_RUN_2  "019a0000-2222-7aaa-8aaa-aaaaaaaaaaaa"
#define FAKE_RUN_3  FAKE_RUN_2 "/call"
#define FAKE_PATH_3 FAKE_RUN_2 "~call" /* of URLs */
#define FAKE_RUN_4  "019a9999-4444-7aaa-8aaa-aaaaaaaaaaaa"
#define FAKE_RUN_5  "019aaaaa-5555-7aaa-8aaa-aaaaaaaaaaaa"

/* One request; `reader` and `numbers` may be NULL. */
struct fake_request {
    const char *method; /* NULL: GET */
    const char *path;
    const char *query; /* encoded; NULL: none */
    struct journal_reader *reader;
    const struct api_numbers *numbers;
    const char *live; /* JSON that the engine brings; NULL: nothing */
};

/* An answer and its body, read when it is JSON. End it with fake_answer_finish(). */
struct fake_answer {
    struct answer answer;
    struct document *document;
    const struct value *root;
    struct query_text query; /* reader->asked points into it */
};

struct fake_answer fake_ask(const struct fake_request *request);
/* GET of `path` with `query`, expecting 200. */
struct fake_answer fake_get(struct journal_reader *reader, const char *path, const char *query);
void fake_answer_finish(struct fake_answer *got);

/* What the pointer names is exactly this JSON; the test fails if not. */
void fake_expect(const struct fake_answer *got, const char *pointer, const char *json);

/* GET fails with `status`, and the message of the error has `text` in it. */
void fake_refused(struct journal_reader *reader, const char *path, const char *query, int status,
                  const char *text);

#endif
