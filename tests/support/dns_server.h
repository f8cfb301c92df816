/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DNS_SERVER_H
#define TESTS_SUPPORT_DNS_SERVER_H

/*
 * A name server for tests, UDP on 127.0.0.1, in a thread of its own. What it answers is decided by
 * the first label of the name:
 *
 *     a-127-0-0-1.test           one A record; more than one: a-127-0-0-1-127-0-0-2
 *     rebind.test                127.0.0.2 the first time, 127.0.0.1 after that
 *     six.test                   AAAA ::1 and nothing else
 *     silent.test                no answer at all
 *     broken.test                SERVFAIL
 *     all others                 there is no such name
 *
 * Used by:  tests/unit/net.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdint.h>

struct dns_server;

/* Owned: dns_server_stop(). What goes wrong aborts. */
struct dns_server *dns_server_start(void);
void dns_server_stop(struct dns_server *server);

/* "127.0.0.1:PORT", borrowed. */
const char *dns_server_address(const struct dns_server *server);

/* Questions for "a-..." that came so far, of type A. */
uint64_t dns_server_question_count(const struct dns_server *server);

#endif
