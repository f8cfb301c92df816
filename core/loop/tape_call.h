/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TAPE_CALL_H
#define CORE_LOOP_TAPE_CALL_H

/*
 * Tape call: one call of outgoing HTTP and what came of it, as a tape has it, and the row of them.
 *
 * Used by:  tape, tape_text, tape_match; for the files of this folder alone.
 * Uses:     base.
 * Threads:  [any]; the texts of a row live in one arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"

enum {
    TAPE_MAX_BODY_BYTES = 512 * 1024,  /* of one body; a larger one is left out */
    TAPE_MAX_BYTES = 64 * 1024 * 1024, /* of a tape */
    TAPE_MAX_LINE_BYTES = 4 * 1024 * 1024,
    TAPE_MAX_HEADERS = 1000,       /* of one call */
    TAPE_MAX_TOOK_MS = 1000000000, /* of one call; nothing takes so long */
};

struct tape_header {
    struct str name;
    struct str value;
};

struct tape_headers {
    struct tape_header *items;
    size_t count;
};

struct tape_body {
    struct str bytes;
    uint64_t left_out; /* bytes of one that is too large for a tape, which then has none of it */
};

struct tape_request {
    struct str method;
    struct str url;
    struct tape_headers headers;
    struct tape_body body;
};

struct tape_response {
    int32_t status;
    struct tape_headers headers;
    struct tape_body body;
    struct str url; /* after redirects; empty: that of the request */
    double took_ms;
};

struct tape_failure {
    struct str code;   /* NUL-terminated; of the SDK without OPS_E_ */
    struct str symbol; /* likewise */
    struct str message;
    struct str hint;
    bool is_maybe_done;
};

enum tape_outcome { TAPE_NOT_OVER, TAPE_RESPONSE, TAPE_FAILURE };

struct tape_call {
    uint32_t line; /* of the tape */
    bool is_used;
    enum tape_outcome outcome;
    struct tape_request request;
    struct tape_response response;
    struct tape_failure failure;
};

struct tape_row {
    struct arena arena;
    struct tape_call **calls;
    size_t count;
    size_t cap;
};

#define TAPE_ROW_INIT ((struct tape_row){0})

void tape_row_finish(struct tape_row *row);

/* A new one at the end; NULL when out of memory. */
struct tape_call *tape_row_add(struct tape_row *row);

#endif
