/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAKE_SECRETS_H
#define CORE_TESTKIT_FAKE_SECRETS_H

/*
 * Fake secrets: names and values, and configs with {{ secrets.NAME }} in their strings.
 *
 * Used by:  testkit; the host, as its struct host_secrets.
 * Uses:     host, value; opstream/test.h.
 * Threads:  [loop]
 */

#include "core/base/str.h"
#include "core/host/secret.h"
#include "opstream/test.h"

struct document;
struct error;
struct test_secret;

struct fake_secrets {
    struct host_secrets table; /* what the host is given; its self is this */
    struct test_secret *first;
};

/* It must not move in memory from here on. */
void fake_secrets_init(struct fake_secrets *secrets);
void fake_secrets_finish(struct fake_secrets *secrets);

/*
 * Reads JSON `text`, with the secrets that its strings name in their place. On success
 * `*out_document` is owned: document_unref(). Fails with E_INVALID, E_NOT_FOUND (no such secret),
 * E_LIMIT, E_NOMEM.
 */
int fake_secrets_read(const struct fake_secrets *secrets, const char *text,
                      struct document **out_document, struct error *err);

#endif
