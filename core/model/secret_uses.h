/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SECRET_USES_H
#define CORE_MODEL_SECRET_USES_H

/*
 * Secret uses: where `secrets.NAME` stands, and what is done with it. It may stand where the schema
 * of a config or of an integration's settings says x-ops-secret, itself or above; its value may be
 * put into text, joined with '+' and given to base64(), and something else may stand in for it.
 * has(secrets.NAME) may stand anywhere.
 *
 * Used by:  scope.
 * Uses:     draft, secret_wants, value (secrets, schema marks).
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct draft;
struct use;
struct value;

enum { SECRET_USES_MAX = 256 }; /* names in one pipeline */

/* Where an expression stands. */
struct secret_site {
    const char *what;           /* for messages: "config of node 'a'" */
    const struct value *schema; /* of the config, its root; NULL: none */
    struct str pointer;         /* into it */
    bool is_settings;           /* of a plugin; without a schema: of one that is not installed */
};

/*
 * Reports what is wrong with the secrets that `use` names, adds the names to the pipeline's, and
 * notes that they are wanted. Fails with E_NOMEM.
 */
int secret_uses_check(struct draft *draft, const struct use *use, const struct secret_site *site);

/* "{{ secrets.api_key }}" for OPSTREAM_SECRET_API_KEY; empty for another variable. In `out`. */
struct str secret_uses_of_variable(struct str variable, char *out, size_t size);

#endif
