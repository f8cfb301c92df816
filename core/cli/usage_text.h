/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_USAGE_TEXT_H
#define CORE_CLI_USAGE_TEXT_H

/*
 * Usage text: what calls that are paid for took, in one line for people.
 *
 * Used by:  history_text, status_text, run_text.
 * Uses:     value.
 * Threads:  [any]
 */

struct strbuf;
struct value;

/*
 * `usage` as the API has it, or the body of a record of history: "3 calls, 512 + 88 tokens (200
 * from a cache), $0.00021". Nothing when there is nothing to say.
 */
void usage_text_append(const struct value *usage, struct strbuf *out);

#endif
