/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_CODE_WORD_H
#define PLUGINS_CODE_WORD_H

/*
 * Word: what the code itself, or the node's `on_exit`, says of a failure.
 *
 * The code says it by fail() (Python, JavaScript), or with `{"error": {...}}` as the last line of
 * stdout and an exit code other than 0.
 */

#include "opstream/sdk.h"
#include "run.h"

struct word {
    ops_status code; /* OPS_OK: not said */
    uint32_t retry;
    uint32_t effect;
    uint64_t retry_after_ms;
    ops_str message;  /* borrowed; empty: not said */
    ops_str bad_code; /* borrowed: no code that there is */
};

/* The map that the code told, or 0: what `answer` has from fail(), or the error in line `last`. */
ops_val word_find(const struct run *run, ops_val answer, ops_str last);

/* What the code says, if `said` is not 0; else what `on_exit` makes of `exit_code`. */
struct word word_read(const struct run *run, ops_val said, int32_t exit_code);

/* Adds the names of all codes that may be said. */
void word_add_codes(struct text *text);

#endif
