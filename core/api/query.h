/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_QUERY_H
#define CORE_API_QUERY_H

/*
 * Query: the part of a request's target behind the "?": names and values, decoded. What is
 * wrong with it is an E_INVALID whose message names the parameter.
 *
 * Used by:  the routes; cli (query_append).
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/api/exchange.h"
#include "core/base/str.h"

struct error;

enum { QUERY_BYTES_MOST = 8192 };

/* Decoded parameters, as an api_request has them. All borrowed. */
struct query {
    const struct api_parameter *params;
    size_t count;
};

/* Each name is one of `names` (ends with NULL) and there once. 0 or E_INVALID. */
int query_check(const struct query *query, const char *const *names, struct error *err);

/* The value of `name`, borrowed from the query; empty when it is not there. */
struct str query_get(const struct query *query, const char *name);

/* A whole number from `least` to `most`; `*out` stays as it is when it is not there. */
struct query_range {
    uint64_t least;
    uint64_t most;
};
int query_number(const struct query *query, const char *name, struct query_range range,
                 uint64_t *out, struct error *err);

/* "true" or "false"; `*out` stays as it is when it is not there. */
int query_flag(const struct query *query, const char *name, bool *out, struct error *err);

/* A moment in RFC 3339, or how long before `now`: "2h". `*out` stays when it is not there. */
int query_time(const struct query *query, const char *name, int64_t now_unix_ms,
               int64_t *out_unix_ms, struct error *err);

/* ---- as text ---- */

/* Parameters that were read from text. */
struct query_text {
    struct api_parameter params[API_MAX_QUERY]; /* into `text` */
    size_t count;
    char *text; /* owned */
};

/*
 * Reads "a=1&b=x%20y" (borrowed); "+" is a space. End it in every case with query_text_finish().
 * Fails with E_INVALID, E_NOMEM.
 */
int query_text_read(struct str text, struct query_text *out_query, struct error *err);
void query_text_finish(struct query_text *query);

/* Decodes percent signs in place; returns the size, or -1 for what is no text. */
int64_t query_decode(char *text, size_t n, bool is_form);

/* Appends "name=value" with what has to be escaped, behind a "&" when something is there. */
void query_append(struct strbuf *out, const char *name, struct str value);
/* Appends `text` as one segment of a path. */
void query_append_escaped(struct strbuf *out, struct str text);

#endif
