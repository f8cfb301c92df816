/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SECRET_WANTS_H
#define CORE_MODEL_SECRET_WANTS_H

/*
 * Secret wants: which secrets a pipeline cannot do without. One that is read only by nodes that the
 * constants switch off, by a `when` that is false whatever a run brings, need not be set; nor need
 * one of an integration without any other node, one that is read only where something else stands
 * in for it, nor one that the pipeline asks has(secrets.NAME) about, wherever that is: it knows
 * what to do without.
 *
 * Used by:  draft, secret_uses.
 * Uses:     draft, report, expr, value (secrets).
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/tree.h"

struct draft;
struct integration;

/* A place that names a secret. */
struct secret_want {
    struct str name;
    const char *what; /* for messages: "config of node 'a'" */
    struct place place;
    uint32_t node;                         /* DRAFT_NO_NODE: none */
    const struct integration *integration; /* whose settings read it; NULL: none */
    bool may_be_missing;                   /* something else stands in for it there */
    bool asks;                             /* only whether it is there */
    bool is_checked;                       /* by secret_wants_check() */
};

/* Notes one; `name` and `what` are copied. Fails with E_NOMEM. */
int secret_wants_add(struct draft *draft, const struct secret_want *want);

/*
 * A step of the draft, when all nodes are known: lists the pipeline's needed secrets, and says
 * which of them are not set, each at the first place that needs it; an error at start, and a
 * warning before. Fails with E_NOMEM.
 */
int secret_wants_check(struct draft *draft);

#endif
