/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_LOOP_KEPT_SCOPES_H
#define TESTS_UNIT_LOOP_KEPT_SCOPES_H

/*
 * Kept scopes: breakers and limits that one engine left in a state folder, and a loop that has
 * taken the folder over.
 *
 *     kept_scopes_init(&kept);
 *     kept_scopes_add(&kept, "breaker", "http http://b.example:80", "{...}");
 *     kept_scopes_open(&kept);
 *     ...
 *     kept_scopes_finish(&kept);
 *
 * Used by:  test_loop_breakers, test_loop_limits.
 * Uses:     loop, store_fixture.
 * Threads:  [main]
 */

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/loop/loop.h"
#include "core/model/load.h"
#include "tests/unit/journal/store_fixture.h"

struct kept_scopes {
    struct store_fixture store;
    struct load_options loading;
    struct batch batch; /* what was added; empty again when it is open */
    struct loop *loop;
};

void kept_scopes_init(struct kept_scopes *kept);
void kept_scopes_add(struct kept_scopes *kept, const char *kind, const char *key, const char *json);

/* Writes what was added, and opens the loop. */
void kept_scopes_open(struct kept_scopes *kept);

/* Ends the loop, and begins with the next one. */
void kept_scopes_reopen(struct kept_scopes *kept);
void kept_scopes_finish(struct kept_scopes *kept);

/* loop_find_breaker() or loop_find_limit(). */
typedef int (*kept_scopes_find)(struct loop *loop, struct str part, struct str *out,
                                struct error *err);

void kept_scopes_expect_found(struct kept_scopes *kept, kept_scopes_find find, const char *part,
                              const char *scope);
void kept_scopes_expect_refused(struct kept_scopes *kept, kept_scopes_find find, const char *part,
                                int status, const char *words);

/* Callbacks of orders: the first fails the test unless the order was taken, and sets the bool that
 * `user` is; the second sets the int that `user` is to the status. */
void kept_scopes_on_answer(void *user, int status, const struct error *err);
void kept_scopes_on_refused(void *user, int status, const struct error *err);

#endif
