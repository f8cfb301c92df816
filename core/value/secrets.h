/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SECRETS_H
#define CORE_VALUE_SECRETS_H

/*
 * Secrets: their values by name, and the mask that hides them. A secret comes from the environment
 * variable OPSTREAM_SECRET_NAME: the name in capitals, '-' and '.' as '_'.
 *
 * Used by:  model (names), engine (values), loop (the mask), cli.
 * Uses:     mask.
 * Threads:  [any]; secrets never change once they are made.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct error;
struct mask;
struct secrets;

#define SECRETS_VARIABLE_PREFIX "OPSTREAM_SECRET_"

enum {
    SECRETS_MAX_NAME_BYTES = 128,
    SECRETS_MIN_BYTES = 4, /* of a value: anything shorter stands in too many harmless texts */
    SECRETS_MAX_BYTES = 64 * 1024,
};

/* A variable's name, NUL-terminated. */
struct secrets_variable {
    char text[sizeof(SECRETS_VARIABLE_PREFIX) + SECRETS_MAX_NAME_BYTES];
};

/*
 * The variable of the secret `name`. False when no secret can have this name: it has 1 to 128
 * letters, digits, '_', '-' and '.'.
 */
bool secrets_variable_of(struct str name, struct secrets_variable *out_variable);

/* Why `value` cannot be a secret's: "is shorter than 4 bytes", ...; NULL when it can. Static. */
const char *secrets_fault_of(struct str value);

/*
 * Reads the secrets of an environment: `entries` (borrowed, NULL-terminated) are NAME=VALUE. Of two
 * entries with one name the first counts, as in getenv(). Values with a fault are there for
 * secrets_find_variable() alone.
 * On success `*out_secrets` is owned: secrets_destroy(); it is NULL when there are none.
 * Fails with E_NOMEM, and E_LIMIT as mask_create() does.
 */
int secrets_create(const char *const *entries, struct secrets **out_secrets, struct error *err);

/* Clears the values before their memory is given back. NULL is fine. */
void secrets_destroy(struct secrets *secrets);

/* The value of `name`, borrowed; `.p` is NULL when there is none. `secrets` may be NULL. */
struct str secrets_find(const struct secrets *secrets, struct str name);

/* The value of a variable by its whole name, NUL-terminated; NULL as above. */
const char *secrets_find_variable(const struct secrets *secrets, struct str variable);

/* How many variables there are, also those whose value has a fault. `secrets` may be NULL. */
size_t secrets_count(const struct secrets *secrets);

/*
 * One of them as NAME=VALUE, for the environment of another process of this program. Owned:
 * secrets_free_entry(), which clears it. NULL: out of memory.
 */
char *secrets_copy_entry(const struct secrets *secrets, size_t index);
void secrets_free_entry(char *entry);

/* Hides all values; borrowed. NULL when there is nothing to hide. */
const struct mask *secrets_mask(const struct secrets *secrets);

#endif
