/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/scope_search.h"

#include <string.h>

#include "core/base/error.h"

enum { NAMED_MOST = 5 };

void scope_search_init(struct scope_search *search, struct str part)
{
    *search = (struct scope_search){
        .part = part, .nearest = suggest_start(part), .names = STRBUF_INIT, .all = STRBUF_INIT};
}

bool scope_search_has(struct str scope, struct str part)
{
    return part.n > 0 && scope.n >= part.n && memmem(scope.p, scope.n, part.p, part.n) != NULL;
}

static void add_name(struct strbuf *names, size_t i, struct str scope)
{
    if (i < NAMED_MOST) {
        strbuf_append_format(names, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(scope));
    } else if (i == NAMED_MOST) {
        strbuf_append_text(names, " and more");
    }
}

static void offer(struct scope_search *search, struct str scope, struct str candidate)
{
    size_t before = search->nearest.best_distance;
    suggest_offer(&search->nearest, candidate);
    if (search->nearest.best_distance < before) {
        search->nearest_scope = scope;
    }
}

/* People write the whole, or the host, with its port or without. */
static void offer_parts(struct scope_search *search, struct str scope)
{
    const char *mark = scope.n > 0 ? memmem(scope.p, scope.n, "://", 3) : NULL;
    offer(search, scope, scope);
    if (mark == NULL) {
        return;
    }
    struct str host = str_make(mark + 3, (size_t)(scope.p + scope.n - (mark + 3)));
    const char *colon = memchr(host.p, ':', host.n);
    offer(search, scope, host);
    if (colon != NULL) {
        offer(search, scope, str_make(host.p, (size_t)(colon - host.p)));
    }
}

void scope_search_look(struct scope_search *search, struct str scope)
{
    if (search->is_whole) {
        return;
    }
    if (str_equal(scope, search->part)) {
        search->found = scope;
        search->count = 1;
        search->is_whole = true;
        return;
    }
    if (scope_search_has(scope, search->part)) {
        add_name(&search->names, search->count++, scope);
        search->found = scope;
    }
    add_name(&search->all, search->looked++, scope);
    offer_parts(search, scope);
}

static int refuse_unknown(const struct scope_search *search, const struct scope_search_noun *noun,
                          struct error *err)
{
    const char *what = noun->what;
    if (search->nearest_scope.n > 0) {
        return error_set(err, E_NOT_FOUND, "there is no %s '%.*s'; did you mean '%.*s'?", what,
                         STR_ARG(search->part), STR_ARG(search->nearest_scope));
    }
    if (search->looked == 0) {
        return error_set(err, E_NOT_FOUND, "there is no %s '%.*s': %s", what, STR_ARG(search->part),
                         noun->since);
    }
    return error_set(err, E_NOT_FOUND, "there is no %s '%.*s'; there are: %.*s", what,
                     STR_ARG(search->part), STR_ARG(strbuf_str(&search->all)));
}

int scope_search_finish(struct scope_search *search, const struct scope_search_noun *noun,
                        struct str *out_scope, struct error *err)
{
    int status = 0;
    if (search->count == 0) {
        status = refuse_unknown(search, noun, err);
    } else if (search->count > 1) {
        status = error_set(err, E_CONFLICT, "'%.*s' is in %zu scopes: %.*s", STR_ARG(search->part),
                           search->count, STR_ARG(strbuf_str(&search->names)));
    } else {
        *out_scope = search->found;
    }
    strbuf_finish(&search->names);
    strbuf_finish(&search->all);
    return status;
}
