/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_JQ_SCAN_H
#define PLUGINS_JQ_SCAN_H

/*
 * Scan: looks through a jq program for what it may not use, before libjq sees it: what reaches out
 * of the program (env, $ENV, input, import, debug, ...) or ends the interpreter (halt).
 *
 * It knows as much of jq's syntax as it takes to tell a call from a field (.env), a key ({env: 1},
 * {env}), a text and a comment.
 */

#include "opstream/abi.h"

struct scan_finding {
    ops_str name;     /* slice of the program, or empty: nothing was found */
    const char *cure; /* static */
    uint32_t line;    /* 1 is the first */
};

struct scan_finding scan_program(ops_str program);

#endif
