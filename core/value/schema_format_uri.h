/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_FORMAT_URI_H
#define CORE_VALUE_SCHEMA_FORMAT_URI_H

/*
 * The grammar of RFC 3986, checked part by part.
 *
 * Used by:  schema_format.c.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

/* A URI: with a scheme. */
bool schema_format_is_uri(struct str text);

/* A URI or a relative reference. */
bool schema_format_is_uri_reference(struct str text);

#endif
