/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_URL_H
#define PLUGINS_SERVICE_URL_H

/*
 * URL: of a request, from the base URL, a path with {fields} and a config.
 *
 * Used by:  call, problem.
 * Uses:     service.h, text.h.
 * Threads:  [any-thread]
 */

#include "opstream/sdk.h"
#include "service/service.h"
#include "service/text.h"

enum { URL_MAX_FIELD = 64 };

/* What is wrong with a field. */
struct url_fault {
    char field[URL_MAX_FIELD];
    const char *what; /* static; NULL: nothing */
};

/*
 * Appends base, path and query: `query` as it is if it is not empty, else the fields that the
 * request names. 0: `fault` says why not.
 */
int url_append(struct text *out, ops_str base, const struct service_request *request,
               ops_val config, ops_str query, struct url_fault *fault);

/* Appends the query alone that the request names: "state=open&labels=a%2Cb". */
void url_append_query(struct text *out, const struct service_request *request, ops_val config);

/* Appends `pattern` with the config's fields in the place of {field}, on one line: for people. */
void url_append_shown(struct text *out, const char *pattern, ops_val config);

/* "sent=field|otherwise": its parts. `field` is `sent` where there is no "=". */
struct url_name {
    ops_str sent;
    ops_str field;
    ops_str otherwise; /* what is sent where the config has no such field; empty: nothing */
};
struct url_name url_read_name(const char *name);

/* The value of a field of the config, "inside.of.another" too; 0: it has none. */
ops_val url_find(ops_val config, ops_str field);

/* A text as it is, other values as JSON; lives as long as `v`. */
ops_str url_scalar(ops_val v);

#endif
