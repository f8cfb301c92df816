/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAKE_MAIL_H
#define CORE_TESTKIT_FAKE_MAIL_H

/*
 * Fake mail: takes every message, and keeps it for the test.
 *
 * Used by:  testkit; the host, as its struct host_mail.
 * Uses:     host, test_clock; opstream/test.h.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/arena.h"
#include "core/host/mail.h"
#include "opstream/test.h"

struct ops_test_host;

struct fake_mail {
    struct host_mail table; /* what the host is given; its self is this */
    struct ops_test_host *owner;
    struct arena arena; /* of what was sent */
    ops_test_mail **mails;
    size_t count;
    size_t cap;
    size_t open; /* on their way */
};

/* It must not move in memory from here on. */
void fake_mail_init(struct fake_mail *mail, struct ops_test_host *owner);
void fake_mail_finish(struct fake_mail *mail);

#endif
