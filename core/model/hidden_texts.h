/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_HIDDEN_TEXTS_H
#define CORE_MODEL_HIDDEN_TEXTS_H

/*
 * Hidden texts: secrets that a definition has without naming them as secrets.NAME. Text at a place
 * that its schema marks x-ops-secret is one, be it written there or taken from a variable of the
 * environment, unless it says x-ops-public as well. In maps whose members anybody names, as headers
 * are, it is the variables of those members that are called like a credential.
 *
 * Used by:  scope.
 * Uses:     draft, expr (pieces), schema_marks, value (secrets).
 * Threads:  [any]
 */

#include "core/base/str.h"

struct draft;
struct value;

enum { HIDDEN_TEXTS_MAX = 256 }; /* of one pipeline */

/* A config, or the settings of a plugin, as it is written. */
struct hidden_site {
    struct draft *draft;
    const char *what;           /* for messages: "config of node 'a'" */
    const struct value *value;  /* the root */
    const struct value *schema; /* its schema's root; NULL: none */
    const char *(*env)(void *user, struct str name);
    void *user;
};

/*
 * Adds the texts to the pipeline's. Those that secrets_fault_of() has something against are left
 * out: they stand in too many harmless texts. Fails with E_NOMEM, E_LIMIT: there are too many.
 */
int hidden_texts_find(const struct hidden_site *site);

#endif
