/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_LIST_H
#define CORE_CLI_SECRET_LIST_H

/*
 * Secret list: which secrets there are, where each comes from and where it may go; no values.
 *
 * Used by:  cmd_secrets_list.
 * Uses:     loop (secret_sources), value.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct document;
struct error;
struct secret_sources;
struct secrets;
struct value;

/*
 * `*out_list` is owned: [{"name", "from": "environment"|"credentials"|"folder"|"store"|"nowhere",
 * "place": the variable or file, "counts": false for one that another one stands before, "version",
 * "set_at", "hosts": [...] or null for what pipelines say, "processes"}] in the order of names.
 * Fails as secret_store_load(), E_NOMEM.
 */
int secret_list_make(struct secret_sources *sources, const struct secrets *secrets,
                     struct document **out_list, struct error *err);

/* As a table. See strbuf_status(). */
void secret_list_append(const struct value *list, bool is_colored, struct strbuf *out);

#endif
