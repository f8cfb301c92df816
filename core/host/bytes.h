/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_BYTES_H
#define CORE_HOST_BYTES_H

/*
 * Bytes: how a bytes value of a plugin looks in JSON, which has none: a string in base64.
 *
 * Used by:  the services value and exec, mail_text.
 * Uses:     value.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct builder;

/* Appends the base64 of `bytes`; a failed allocation shows in strbuf_status(out). */
void bytes_append_base64(struct strbuf *out, struct str bytes);

/* Adds the base64 of `bytes` as a string. Fails with E_NOMEM. */
int bytes_build_base64(struct builder *b, struct str bytes);

/* Appends it as a JSON string with its quotes. */
void bytes_write_base64(struct strbuf *out, struct str bytes);

#endif
