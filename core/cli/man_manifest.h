/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MAN_MANIFEST_H
#define CORE_CLI_MAN_MANIFEST_H

/*
 * Man manifest: the manual page opstream-plugin.json(5), of the schema that manifests are read by:
 * what its keys mean stands in their descriptions.
 *
 * Used by:  man_pages.
 * Uses:     host (manifest_schema), man_roff.
 * Threads:  [main]
 */

struct error;
struct strbuf;

/* Fails with E_NOMEM. */
int man_manifest_append(struct strbuf *out, struct error *err);

#endif
