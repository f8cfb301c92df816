/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RECORD_JSON_H
#define CORE_ENGINE_RECORD_JSON_H

/*
 * Records as JSON, for what keeps them and for people who query it: the type is a word, the rest
 * an object with the members that say something:
 *
 *     {"frame":3,"node":2,"state":"completed","taken":[0],"output":{"status":200}}
 *
 * Run, seq, path, attempt and time stand beside it. Documents (output, error, detail, done) come
 * one by one, because large ones are kept elsewhere. What a replay finds in the run itself is not
 * written: the item of an iteration and what a compensation undoes (see restore.h).
 *
 * Used by:  journal, loop, cli.
 * Uses:     record, value.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"

struct document;
struct error;

/* "node_started"; static. */
const char *record_type_name(enum record_type type);
/* 0 or E_INVALID. */
int record_type_parse(struct str name, enum record_type *out_type);

/* Which records a journal leaves out: see RECORD_NODE_QUEUED. */
bool record_is_lazy(const struct record *record);

/* Appends the members that are no documents, behind the "{" that the caller has written. */
void record_write_members(const struct record *record, struct strbuf *out);

/* The end of the year 9999: no time of a record lies behind it. */
#define RECORD_LAST_MS INT64_C(253402300799999)

enum { RECORD_DOCUMENTS = 4 };

/* The `i`-th document that is to be written and its name; NULL: the record has none there. */
const struct document *record_document(const struct record *record, size_t i,
                                       const char **out_name);

/* Appends one of them as a member behind those that are there. */
void record_write_document(const char *name, const struct document *document, struct strbuf *out);

/* Appends the whole body with all its documents. */
void record_write_body(const struct record *record, struct strbuf *out);

/*
 * Reads the text of a body into `record`, whose type is set: members and documents (owned:
 * record_finish(), also of `taken`). `*out_taken` is the text of the edges taken, for
 * record_read_taken(): how many there are only the run knows; empty: none were decided.
 * Fails with E_INVALID (names the member), E_NOMEM, and then the record holds nothing.
 */
int record_read_body(struct str body, struct record *record, struct str *out_taken,
                     struct error *err);
/* Puts them into `set`, which is made. 0 or E_INVALID. */
int record_read_taken(struct str taken, struct edge_set *set);
void record_finish(struct record *record);

#endif
