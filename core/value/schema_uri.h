/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_URI_H
#define CORE_VALUE_SCHEMA_URI_H

/*
 * URI references as $id and $ref use them (RFC 3986, section 5.2).
 *
 * Used by:  schema_*.c.
 * Uses:     base.
 * Threads:  [any]
 */

#include "core/base/str.h"

/* The text before and behind the first '#'; without one, the fragment is empty. */
struct str schema_uri_without_fragment(struct str reference);
struct str schema_uri_fragment(struct str reference);

/*
 * Appends the reference `reference` (without fragment) as seen from the URI `base`, which may
 * be empty: then the reference stays as it is.
 */
void schema_uri_resolve(struct str base, struct str reference, struct strbuf *out);

/* Appends `text` with its %XX decoded; a '%' without two hexadecimal digits stays. */
void schema_uri_decode(struct str text, struct strbuf *out);

#endif
