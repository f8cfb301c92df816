/* SPDX-License-Identifier: Apache-2.0 */

/* Names: how they are resolved, and what their addresses may be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/dns_server.h"
#include "tests/unit/net/net_rig.h"

static struct dns_server *names;
static struct net *default_net;

static int open_names(void **state)
{
    (void)open_all(state);
    default_net = net;
    names = dns_server_start();
    return 0;
}

static int close_names(void **state)
{
    dns_server_stop(names);
    net = default_net;
    return close_all(state);
}

static void open_net(struct net_settings settings)
{
    settings.name_servers = dns_server_address(names);
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
}

static void close_net(void)
{
    exchange_close_net(&loop, net);
    net = default_net;
}

/* GET /json at the server, by a name that the name server knows. */
static void get_name(const char *name)
{
    char url[512];
    (void)snprintf(url, sizeof url, "http://%s:%u/json", name, http_server_port(server));
    get(url);
}

static void test_net_names__name_is_resolved(void **state)
{
    (void)state;
    open_net((struct net_settings){0});
    get_name("a-127-0-0-1.test");
    assert_body(200, "opstream");
    get_name("A-127-0-0-1.TEST.");
    assert_body(200, "opstream");
    assert_true(x.is_reused);
    close_net();
}

static void test_net_names__next_address_is_tried(void **state)
{
    (void)state;
    open_net((struct net_settings){0});
    get_name("a-127-0-0-2-127-0-0-1.test"); /* nobody listens at the first */
    assert_body(200, "opstream");
    close_net();
}

static void test_net_names__failures_say_why(void **state)
{
    (void)state;
    open_net((struct net_settings){0});
    get_name("nobody.test");
    assert_failed(NET_FAILED_DNS, "cannot resolve 'nobody.test': there is no such name");
    assert_int_equal(x.effect, NET_EFFECT_NONE);
    get_name("broken.test");
    assert_failed(NET_FAILED_DNS, "cannot resolve 'broken.test': ");
    get_name("six.test"); /* the test server does not listen there */
    assert_failed(NET_FAILED_REFUSED, "cannot connect");
    close_net();
}

static void test_net_names__silent_server_ends_with_the_time_to_connect(void **state)
{
    (void)state;
    char url[512];
    open_net((struct net_settings){0});
    struct net_request request = make_request("http://silent.test/", url);
    request.connect_timeout_ms = 50;
    run(&request);
    assert_failed(NET_FAILED_CONNECT_TIMEOUT, "'silent.test' was not resolved within 50 ms");
    close_net();
}

/* A timer may be early by a part of a millisecond: which of both it was, is not told by the clock.
 */
static void test_net_names__silent_server_ends_with_the_whole_time(void **state)
{
    (void)state;
    char url[512];
    open_net((struct net_settings){0});
    struct net_request request = make_request("http://silent.test/", url);
    request.timeout_ms = 5;
    for (int64_t i = 0; i < 40; i++) {
        while (clock_monotonic_ns() / 25000 % 40 != i) {
            /* each call begins at another part of the millisecond */
        }
        run(&request);
        assert_failed(NET_FAILED_TIMEOUT, "the name was not resolved within 5 ms");
    }
    close_net();
}

static void test_net_names__close_does_not_wait_for_an_answer(void **state)
{
    (void)state;
    char url[512];
    open_net((struct net_settings){0});
    struct net_request request = make_request("http://silent.test/", url);
    assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    for (int i = 0; i < 3; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    close_net();
    assert_failed(NET_FAILED_CANCELED, "canceled");
    assert_int_equal(x.done_count, 1);
}

static void test_net_names__calls_share_a_question(void **state)
{
    (void)state;
    static struct exchange all[20];
    char url[512];
    open_net((struct net_settings){0});
    uint64_t before = dns_server_question_count(names);
    (void)snprintf(url, sizeof url, "http://a-127-0-0-1.shared.test:%u/json",
                   http_server_port(server));
    for (int i = 0; i < 20; i++) {
        const struct net_request request = {
            .url = str_from(url), .done = exchange_on_done, .user = &all[i]};
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    }
    for (int i = 0; i < 20; i++) {
        exchange_wait(&loop, &all[i]);
        assert_true(all[i].has_response);
        exchange_finish(&all[i]);
    }
    assert_int_equal(dns_server_question_count(names), before + 1);
    close_net();
}

static void test_net_names__private_addresses_of_names_are_refused(void **state)
{
    (void)state;
    open_net((struct net_settings){.private_addresses = NET_PRIVATE_DENY});
    get_name("a-127-0-0-1.test");
    assert_failed(NET_FAILED_FORBIDDEN, "private address");
    get_name("a-10-0-0-1-192-168-1-1.test");
    assert_failed(NET_FAILED_FORBIDDEN, "private address");
    close_net();
    open_net((struct net_settings){0});
    get_name("a-169-254-169-254.test");
    assert_failed(NET_FAILED_FORBIDDEN, "metadata");
    close_net();
}

static void test_net_names__only_allowed_addresses_are_tried(void **state)
{
    (void)state;
    const char *allow[] = {"127.0.0.2"};
    open_net((struct net_settings){
        .private_addresses = NET_PRIVATE_DENY, .allow = allow, .allow_count = 1});
    uint64_t before = http_server_connection_count(server);
    get_name("a-127-0-0-2-127-0-0-1.test"); /* the server is at the second, which is denied */
    assert_failed(NET_FAILED_REFUSED, "cannot connect");
    assert_int_equal(http_server_connection_count(server), before);
    close_net();
}

static void test_net_names__rebinding_name_gets_nowhere(void **state)
{
    (void)state;
    const char *allow[] = {"127.0.0.2"};
    uint64_t before = http_server_connection_count(server);
    for (int i = 0; i < 3; i++) { /* each with an empty cache: the name server turns to 127.0.0.1 */
        open_net((struct net_settings){
            .private_addresses = NET_PRIVATE_DENY, .allow = allow, .allow_count = 1});
        get_name("rebind.test");
        assert_failed(i == 0 ? NET_FAILED_REFUSED : NET_FAILED_FORBIDDEN, "");
        close_net();
    }
    assert_int_equal(http_server_connection_count(server), before);
}

static void test_net_names__bad_name_servers_fail_the_call(void **state)
{
    (void)state;
    const struct net_settings settings = {.name_servers = "not an address"};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    get_name("a-127-0-0-1.test");
    assert_failed(NET_FAILED_INTERNAL, "no addresses of name servers");
    close_net();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_net_names__name_is_resolved, clear),
        cmocka_unit_test_setup(test_net_names__next_address_is_tried, clear),
        cmocka_unit_test_setup(test_net_names__failures_say_why, clear),
        cmocka_unit_test_setup(test_net_names__silent_server_ends_with_the_time_to_connect, clear),
        cmocka_unit_test_setup(test_net_names__silent_server_ends_with_the_whole_time, clear),
        cmocka_unit_test_setup(test_net_names__close_does_not_wait_for_an_answer, clear),
        cmocka_unit_test_setup(test_net_names__calls_share_a_question, clear),
        cmocka_unit_test_setup(test_net_names__private_addresses_of_names_are_refused, clear),
        cmocka_unit_test_setup(test_net_names__only_allowed_addresses_are_tried, clear),
        cmocka_unit_test_setup(test_net_names__rebinding_name_gets_nowhere, clear),
        cmocka_unit_test_setup(test_net_names__bad_name_servers_fail_the_call, clear),
    };
    int failed = cmocka_run_group_tests(tests, open_names, close_names);
    exchange_finish(&x);
    return failed;
}
