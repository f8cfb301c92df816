/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_ETAG_ENTRY_H
#define PLUGINS_SERVICE_ETAG_ENTRY_H

/*
 * ETag entry: an answer as the bytes that stand in the store, a line for each part and the body
 * behind them. The first line tells the form and a checksum of the rest: what is cut off, changed
 * or of another form is no entry, and the service is asked as if there were none.
 *
 * Used by:  etag.
 * Uses:     text.h.
 * Threads:  [any-thread]
 */

#include "opstream/abi.h"
#include "service/text.h"

struct etag_entry {
    ops_str id;   /* of the request, and of who asked */
    ops_str etag; /* as the service gave it */
    ops_str next; /* the query of the next page; may be empty */
    ops_str body;
};

/* Appends the entry. 0: a part that is a line has a line break; or out of memory. */
int etag_entry_write(const struct etag_entry *entry, struct text *out);

/* The parts, borrowed from `bytes`. 0: they are no entry. */
int etag_entry_read(ops_str bytes, struct etag_entry *out);

#endif
