/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_MULTI_H
#define CORE_NET_MULTI_H

/*
 * Multi: libcurl's multi handle on the loop: its sockets and its timer, and nothing of calls.
 *
 * Used by:  net, in the module.
 * Uses:     base, libuv, libcurl.
 * Threads:  [loop]
 */

#include <curl/curl.h>
#include <stdint.h>

struct error;
struct multi;
struct uv_loop_s;

struct multi_options {
    struct uv_loop_s *loop;
    uint32_t max_connections; /* kept open in all */
    /* A transfer is over. It is still added; never from inside a function of this header. */
    void (*on_done)(void *user, CURL *easy, CURLcode code);
    void *user;
};

/* Owned: multi_close(). Fails with E_NOMEM. */
int multi_open(const struct multi_options *options, struct multi **out_multi, struct error *err);

/* No transfer may be added. Closes the connections; frees it, then calls `done`, from the loop. */
void multi_close(struct multi *multi, void (*done)(void *user), void *user);

/* Makes room for a socket that a transfer is about to use. Returns 0 or E_NOMEM. */
int multi_expect_socket(struct multi *multi, curl_socket_t fd);

/* Starts the transfer soon, from the loop. Returns 0 or E_NOMEM. */
int multi_add(struct multi *multi, CURL *easy);
void multi_remove(struct multi *multi, CURL *easy);

#endif
