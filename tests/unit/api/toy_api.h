/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_API_TOY_API_H
#define TESTS_UNIT_API_TOY_API_H

/*
 * A toy route table, and clients that speak raw bytes to it, on one loop.
 *
 *     GET /hello                  200 "hello"
 *     POST /echo                  200 method, path, parameters, headers and body, one a line
 *     GET /big?n=BYTES            200 that many 'x'
 *     GET /later                  no answer yet: it waits in `held`
 *     GET /stream                 a stream that waits in `held`
 *     GET /flood?n=BYTES          a stream of that many 'x', written with regard to the reader
 *     GET /error                  409 "it is 'so'"
 *     GET /empty                  204
 *     GET /moved                  302 to a place where nobody is
 *     else                        404
 *
 * Used by:  tests/unit/api, tests/bench.
 * Uses:     core/api/exchange.h, libuv.
 * Threads:  the test's.
 */

#include <uv.h>

#include "core/api/exchange.h"

enum { TOY_MAX_HELD = 2048 };

struct toy_api {
    struct api_exchange *held[TOY_MAX_HELD];
    size_t held_count;
    size_t requests;
    size_t gone;
    size_t drained;
    size_t slow[2];             /* by enum api_slowness */
    uint32_t peer_uid;          /* of the last request */
    bool is_echo_late;          /* /echo is held as well: its request must stay as it is */
    struct api_request request; /* of the last one */
};

struct api_handlers toy_handlers(struct toy_api *toy);

/* Takes the oldest held exchange out. */
struct api_exchange *toy_take(struct toy_api *toy);

/* Answers it as /echo does. */
void toy_echo(struct api_exchange *exchange, const struct api_request *request);

/* Runs the loop until `fd` (not blocking) has given `words` or its end; all that came is in `in`.
 */
void toy_read_until(uv_loop_t *loop, int fd, struct strbuf *in, const char *words);

/* Runs the loop until `fd` is closed by the other side. */
void toy_read_to_end(uv_loop_t *loop, int fd, struct strbuf *in);

/* Runs the loop until `*what` is at least `n`. */
void toy_run_until(uv_loop_t *loop, const size_t *what, size_t n);

/* Sends it all; the loop runs while there is no room. False: the other side has closed. */
bool toy_send(uv_loop_t *loop, int fd, struct str bytes);

#endif
