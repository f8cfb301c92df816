/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_EGRESS_H
#define CORE_MODEL_EGRESS_H

/*
 * Egress: where the secrets of a pipeline may go when nobody has said it: to the hosts of the http
 * and https URLs that are written in the definition (in its configs, integrations and constants;
 * variables of the environment and constants may be part of them), and to those that its node
 * types take when nothing else is said. A host that an expression over anything else makes is not
 * among them: data cannot choose where a secret goes.
 *
 * Used by:  pipeline.c.
 * Uses:     draft, expr (template), value (secret_hosts).
 * Threads:  [any]
 */

struct draft;

/*
 * Fills `hosts` of the pipeline and `secrets` of its integrations, once all templates are compiled.
 * Pipelines without secrets cost nothing. Fails with E_NOMEM.
 */
int egress_find(struct draft *draft);

#endif
