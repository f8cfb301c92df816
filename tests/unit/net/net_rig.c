/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/net_rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uv_loop_t loop;
struct net *net;
struct http_server *server;
struct http_server *other;
struct exchange x;

int open_all(void **state)
{
    (void)state;
    static const char *const settings[] = {"http_proxy",  "https_proxy", "all_proxy",
                                           "HTTPS_PROXY", "ALL_PROXY",   "no_proxy"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        (void)unsetenv(settings[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&loop), 0);
    server = http_server_start(NULL);
    other = http_server_start(NULL);
    assert_non_null(server);
    assert_non_null(other);
    assert_int_equal(net_create(&loop, NULL, &net, NULL), 0);
    return 0;
}

int close_all(void **state)
{
    (void)state;
    exchange_close_net(&loop, net);
    assert_int_equal(uv_loop_close(&loop), 0);
    http_server_stop(server);
    http_server_stop(other);
    return 0;
}

int clear(void **state)
{
    (void)state;
    exchange_finish(&x);
    return 0;
}

/* "PATH" of the server, or a whole URL. */
static struct str full_url(const char *path, char out[512])
{
    (void)snprintf(out, 512, "%s%s", path[0] == '/' ? http_server_url(server) : "", path);
    return str_from(out);
}

struct net_request make_request(const char *path, char url[512])
{
    return (struct net_request){
        .url = full_url(path, url),
        .done = exchange_on_done,
        .user = &x,
        .timeout_ms = 240000,
    };
}

void run(struct net_request *request)
{
    exchange_finish(&x);
    assert_int_equal(net_send(net, request, NULL, NULL), 0);
    assert_int_equal(x.done_count, 0); /* never from inside net_send() */
    exchange_wait(&loop, &x);
}

void get(const char *path)
{
    char url[512];
    struct net_request request = make_request(path, url);
    run(&request);
}

void assert_failed(enum net_failure_class failure_class, const char *words)
{
    if (x.has_response || x.failure_class != failure_class || strstr(x.message.p, words) == NULL) {
        fail_msg("expected failure '%s' with '%s', got '%s': status %d, '%s'",
                 net_failure_class_name(failure_class), words,
                 x.has_response ? "response" : net_failure_class_name(x.failure_class), x.status,
                 x.message.p);
    }
}

void assert_body(int status, const char *words)
{
    if (!x.has_response || x.status != status || x.body.p == NULL ||
        strstr(x.body.p, words) == NULL) {
        fail_msg("expected %d with '%s', got %d, body '%s', failure '%s'", status, words, x.status,
                 x.body.p, x.message.p);
    }
}
