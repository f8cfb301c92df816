/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_PROBLEM_H
#define CORE_API_CONTROL_PROBLEM_H

/*
 * Control problem: why there is no good answer from a control socket, in words for people.
 *
 * Used by:  control_client.c, control_feed.c.
 * Uses:     net, value.
 * Threads:  [any]; pure but for a look at the socket's file.
 */

#include "core/base/error.h"
#include "core/net/net.h"

struct value;

/* There was no answer. `socket_path` is as people know it, `reached_path` as the system takes it.
 * Returns the code. */
int control_problem_of_failure(const struct net_failure *failure, const char *socket_path,
                               const char *reached_path, struct error *err);

/* There was one: 0, or the code of what is wrong with it. `body` may be NULL. */
int control_problem_of_response(const struct net_response *response, const struct value *body,
                                const char *socket_path, struct error *err);

#endif
