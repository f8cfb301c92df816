/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SECRET_HOSTS_H
#define CORE_VALUE_SECRET_HOSTS_H

/*
 * Secret hosts: the hosts that a secret may go to, as a text with one line for each:
 *
 *     api.github.com        any port of this host
 *     api.github.com:443    this port alone
 *     *.example.com         every host below example.com, but not itself
 *     192.0.2.1, [2001:db8::1]:8443
 *
 * Used by:  secrets, model, net's callers, cli.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

enum { SECRET_HOST_MAX_BYTES = 262 }; /* a name, ':' and a port; an address in brackets fits */

/* Why `pattern` is none: "has a scheme: write the host alone"; NULL when it is one. Static. */
const char *secret_hosts_fault_of(struct str pattern);

/* Appends a line unless it is there. `pattern` has no fault; letters become small. */
void secret_hosts_add(struct strbuf *list, struct str pattern);

/* The i-th line of `list`; empty at the end. */
struct str secret_hosts_at(struct str list, size_t i);

/* `host` is in small letters, an IPv6 address without brackets. */
bool secret_hosts_allow(struct str list, struct str host, uint16_t port);

/*
 * Adds HOST:PORT of the http(s) or smtp(s) URL that begins with `text` when nothing that follows
 * `text` could make it another host: the host is followed by '/', '?' or '#', or `is_whole`. Else
 * nothing.
 */
void secret_hosts_add_url(struct strbuf *list, struct str text, bool is_whole);

#endif
