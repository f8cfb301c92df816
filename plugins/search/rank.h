/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_RANK_H
#define PLUGINS_SEARCH_RANK_H

/*
 * Rank: how well a document answers a query, as the function match_score() of the full-text index.
 *
 * It is BM25 (k1 = 1.2, b = 0.75; a word in the title counts twice), divided by the most that the
 * query could reach: so 0 is nothing, 1 would be every word without end, and a document of average
 * length with each word once in its text has 0.45. A word weighs ln(1 + (N - n + 0.5) / (n + 0.5))
 * where n of N documents have it, at least one: also what half of all have counts, which FTS5's own
 * bm25() does not see in small indexes. Rounded to six digits, so that what is equal is equal.
 */

#include "fault.h"

/* Makes it known to the connection. */
int rank_register(struct sqlite3 *db, struct fault *fault);

#endif
