/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_READ_THREAD_H
#define CORE_API_READ_THREAD_H

/*
 * Read thread: answers what only reads from a journal_reader of its own, beside the loop, so that a
 * long list keeps nobody from work. One question at a time, in their order; whoever was told that a
 * write is durable asks later and sees it. The thread starts with the first question.
 *
 * Used by:  control.
 * Uses:     route, journal (reader), libuv.
 * Threads:  [loop]; its own works on copies.
 */

#include <stdint.h>

#include "core/api/numbers.h"
#include "core/api/query.h"

struct answer;
struct error;
struct read_thread;
struct route_match;
struct uv_loop_s;

/* Questions that may wait; more are refused. */
enum { READ_THREAD_MOST = 256 };

/* `folder` is the state folder, kept. Owned: read_thread_close(). Fails with E_NOMEM, E_IO. */
int read_thread_open(struct uv_loop_s *loop, const char *folder, struct read_thread **out_thread,
                     struct error *err);

/*
 * Ends the thread after the question that it is at; those that wait are answered with NULL. The
 * memory is freed in a later turn of the loop. NULL is fine.
 */
void read_thread_close(struct read_thread *thread);

/* All copied. */
struct read_question {
    const struct route_match *match; /* of ROUTE_READ */
    struct query query;
    struct api_numbers numbers;
    struct str live; /* see struct route_request */
    int64_t now_unix_ms;
};

/* The answer is borrowed for the call; NULL: out of memory, or closed. Once, on the loop. */
typedef void (*read_reply_cb)(void *user, const struct answer *answer);

/* Fails with E_LIMIT (too many wait), E_NOMEM, E_IO (no thread); `cb` is not called then. */
int read_thread_ask(struct read_thread *thread, const struct read_question *question,
                    read_reply_cb cb, void *user, struct error *err);

#endif
