/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_FAILURE_H
#define CORE_ENGINE_FAILURE_H

/*
 * Failure: why a node or a run failed, as the JSON map that history, expressions and people see:
 * {code, message, hint?, ...}. Tasks bring theirs from the host (see host.h); these are the
 * engine's own.
 *
 * Used by:  engine, loop, cli.
 * Uses:     value.
 * Threads:  [any]; documents never change.
 */

#include "core/base/str.h"

struct document;
struct error;

/* The engine's own codes; static text. */
#define FAILURE_DROPPED          "DROPPED"      /* a person has dropped an item of the queue */
#define FAILURE_CIRCUIT_OPEN     "CIRCUIT_OPEN" /* a breaker let no call pass */
#define FAILURE_EXPRESSION       "EXPRESSION"   /* a template or condition could not be evaluated */
#define FAILURE_LIMIT            "LIMIT"        /* a budget or bound was spent */
#define FAILURE_MEMORY_LIMIT     "MEMORY_LIMIT" /* the values of a run take more than they may */
#define FAILURE_LOOP_LIMIT       "LOOP_LIMIT"   /* a loop has more to do than it may */
#define FAILURE_NO_ROUTE         "NO_ROUTE"     /* no route of a router was true */
#define FAILURE_TRANSITION_LIMIT "TRANSITION_LIMIT" /* a state machine does not end */
#define FAILURE_TIMEOUT          "TIMEOUT"
#define FAILURE_CANCELLED        "CANCELLED"
#define FAILURE_CRASHED          "CRASHED" /* the process ended with it, again and again */
#define FAILURE_CUT_OFF          "CUT_OFF" /* its process ended before it did */
#define FAILURE_CONFIG           "CONFIG"
#define FAILURE_PERMISSION       "PERMISSION" /* a secret must not go there */
#define FAILURE_FAILED           "FAILED"     /* a `fail` node without a code of its own */
#define FAILURE_BUDGET           "BUDGET"     /* a call would take more than it may */
#define FAILURE_PLUGIN           "PLUGIN"     /* the plugin could not be started */

/*
 * A new failure. `message` (cut where it is no UTF-8) and `hint` (may be NULL) are copied. Never
 * NULL: without memory it is an empty map. Owned by the caller: document_unref().
 */
struct document *failure_create(const char *code, struct str message, const char *hint);

/* From an error of core: E_LIMIT is LIMIT, all others are `code`. Owned by the caller. */
struct document *failure_from_error(const char *code, const struct error *err);

/*
 * A refused credential (AUTH, or a service's PERMISSION) whose hint says besides which secrets it
 * was made of, and how they are set; `names` is "token,user". Any other failure, without names or
 * memory: itself. Owned by the caller.
 */
struct document *failure_name_secrets(const struct document *failure, struct str names);

/* The parts of a failure (ours or a task's), borrowed; empty when absent or not text. */
struct str failure_code(const struct document *failure);
struct str failure_message(const struct document *failure);
struct str failure_hint(const struct document *failure);

#endif
