/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ID_H
#define CORE_BASE_ID_H

/*
 * Ids: UUIDs of version 7 (RFC 9562) in their text form. Ids made later sort after earlier ones,
 * by the millisecond; within one, their order is random.
 *
 * Used by:  engine, cli.
 * Uses:     error, str.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

enum { ID_RANDOM_BYTES = 10, ID_TEXT_SIZE = 37 }; /* the size with the NUL */

/* The id of a moment (0 <= unix_ms < 2^48; others are brought into that range) and chance. */
void id_format(int64_t unix_ms, const unsigned char random[ID_RANDOM_BYTES],
               char out[ID_TEXT_SIZE]);

/* As id_format(), with random bytes of the system. Fails with E_IO. */
int id_create(int64_t unix_ms, char out[ID_TEXT_SIZE], struct error *err);

/* Whether `text` is an id of this kind, in lower case. */
bool id_is_valid(struct str text);

#endif
