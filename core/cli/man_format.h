/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MAN_FORMAT_H
#define CORE_CLI_MAN_FORMAT_H

/*
 * Man format: the manual pages opstream.yaml(5) and opstream-pipeline(5), of the tables of keys and
 * of what they mean.
 *
 * Used by:  man_pages.
 * Uses:     model (format, format_help, format_parts, engine_types), man_roff.
 * Threads:  [main]
 */

#include <stdbool.h>

struct error;
struct format_key;
struct strbuf;

void man_format_append_settings(struct strbuf *out);

/* Fails with E_NOMEM. */
int man_format_append_pipeline(struct strbuf *out, struct error *err);

/* Whether one of the pages has the keys of `table`. */
bool man_format_has(const struct format_key *table);

#endif
