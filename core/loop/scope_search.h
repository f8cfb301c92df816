/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SCOPE_SEARCH_H
#define CORE_LOOP_SCOPE_SEARCH_H

/*
 * Scope search: people name a scope that runs share by a part of it: the host of a service, for
 * example. It has to be the whole of one, or in no other one.
 *
 * Used by:  breakers, limits; for the files of this folder alone.
 * Uses:     base.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/base/suggest.h"

struct error;

struct scope_search {
    struct str part;
    struct str found;
    size_t count;  /* that have the part */
    size_t looked; /* all */
    bool is_whole; /* it is the one */
    struct suggest nearest;
    struct str nearest_scope;
    struct strbuf names; /* of those that have it */
    struct strbuf all;   /* of the first that were looked at */
};

/* Whether `part`, which is not empty, stands in `scope`. */
bool scope_search_has(struct str scope, struct str part);

/* `part` is borrowed, like the scopes, until the end: scope_search_finish(). */
void scope_search_init(struct scope_search *search, struct str part);

void scope_search_look(struct scope_search *search, struct str scope);

/* What people call such a scope, and since when there is one. */
struct scope_search_noun {
    const char *what;  /* "breaker" */
    const char *since; /* "a service has one from its first call on" */
};

/* The one. Fails with E_NOT_FOUND (`err` names the nearest) and E_CONFLICT (which ones have it). */
int scope_search_finish(struct scope_search *search, const struct scope_search_noun *noun,
                        struct str *out_scope, struct error *err);

#endif
