/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_GUARD_H
#define CORE_LOOP_SECRET_GUARD_H

/*
 * Secret guard: lets a secret of a node go to the hosts that it is bound to, and to no other. It
 * looks at what a call is about to send, whoever has put the secret there and in whatever form a
 * mask finds it; and at nodes that give theirs to child processes.
 *
 * Used by:  http_bridge, mail_bridge, run_tasks, secret_adopter.
 * Uses:     model, net, value (secrets, secret_hosts).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;
struct net_hop;
struct node;
struct pipeline;
struct secrets;

/* Whose secrets they are. */
struct secret_guard {
    struct secrets *secrets; /* may be NULL */
    const struct pipeline *pipeline;
    const struct node *node;
};

/* The names of its secrets that are left: of its config, then of its plugin's settings. */
struct secret_names {
    struct str lists[2]; /* "a,b" each */
};
struct secret_names secret_guard_names(const struct secret_guard *guard);
/* Takes the next; false: there is none. */
bool secret_names_next(struct secret_names *names, struct str *out_name);

/*
 * Whether `hop` may be sent. Fails with E_INVALID: a secret is in it that must not go there; `err`
 * says which, and `cure` gets the command that allows it; or its binding cannot be read; E_NOMEM.
 */
int secret_guard_check_hop(const struct secret_guard *guard, const struct net_hop *hop,
                           struct strbuf *cure, struct error *err);

/*
 * Whether the node, which starts child processes, may have its secrets: those that are bound to
 * hosts only when processes are allowed as well. Fails with E_CONFLICT, and the cure is in `err`;
 * and as secrets_bind().
 */
int secret_guard_check_process(const struct secret_guard *guard, struct error *err);

#endif
