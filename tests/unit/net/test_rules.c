/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "core/base/error.h"
#include "core/net/net.h"
#include "tests/support/failing_alloc.h"

static struct net_address address_of(const char *text)
{
    struct net_address address;
    if (!net_address_parse(str_from(text), &address)) {
        fail_msg("'%s' is no address", text);
    }
    return address;
}

static void test_rules__parses_addresses_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"1.2.3.4", "::", "::1", "fe80::1", "::ffff:1.2.3.4"};
    static const char *const bad[] = {"",      "1.2.3",        "01.2.3.4", "1.2.3.4.",  "1.2.3.256",
                                      "[::1]", "fe80::1%eth0", "::1::",    "localhost", "0x7f.1"};
    struct net_address address;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[NET_ADDRESS_TEXT_SIZE];
        assert_true(net_address_parse(str_from(good[i]), &address));
        net_address_format(&address, text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(net_address_parse(str_from(bad[i]), &address));
    }
    assert_false(net_address_parse(str_make("1.2.3.4\0x", 9), &address));
}

static void test_rules__knows_private_addresses_and_their_edges(void **state)
{
    (void)state;
    static const char *const private[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.1",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.7",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::8.8.8.8",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:808:808::1",
        "fc00::1",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    };
    static const char *const public[] = {
        "1.1.1.1",     "8.8.8.8",         "9.255.255.255",   "11.0.0.0",     "100.63.255.255",
        "100.128.0.0", "126.0.0.1",       "128.0.0.1",       "169.253.0.1",  "172.15.255.255",
        "172.32.0.0",  "192.0.1.1",       "192.167.0.1",     "192.169.0.1",  "198.17.255.255",
        "198.20.0.0",  "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2003::1",
        "fbff::1",
    };
    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++) {
        struct net_address address = address_of(private[i]);
        if (!net_address_is_private(&address)) {
            fail_msg("'%s' passed for public", private[i]);
        }
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        struct net_address address = address_of(public[i]);
        if (net_address_is_private(&address)) {
            fail_msg("'%s' passed for private", public[i]);
        }
    }
}

static enum net_verdict check(const struct net_rules *rules, const char *host, const char *text)
{
    struct net_address address = address_of(text);
    return net_rules_check_address(rules, str_from(host), &address);
}

static struct net_rules *make_rules(const struct net_settings *settings)
{
    struct net_rules *rules = NULL;
    assert_int_equal(net_rules_create(settings, &rules, NULL), 0);
    return rules;
}

static void test_rules__default_refuses_only_metadata(void **state)
{
    (void)state;
    struct net_rules *rules = make_rules(NULL);
    static const char *const refused[] = {"169.254.169.254",        "fd00:ec2::254",
                                          "::ffff:169.254.169.254", "::169.254.169.254",
                                          "64:ff9b::a9fe:a9fe",     "2002:a9fe:a9fe::1"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(check(rules, "x", refused[i]), NET_VERDICT_METADATA);
    }
    assert_int_equal(check(rules, "x", "169.254.169.253"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "127.0.0.1"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "8.8.8.8"), NET_VERDICT_ALLOWED);
    net_rules_destroy(rules);
}

static void test_rules__metadata_opens_for_its_very_address_only(void **state)
{
    (void)state;
    const char *wide[] = {"169.254.0.0/16", "0.0.0.0/0", "x"};
    const char *exact[] = {"169.254.169.254"};
    struct net_rules *rules = make_rules(&(struct net_settings){.allow = wide, .allow_count = 3});
    assert_int_equal(check(rules, "x", "169.254.169.254"), NET_VERDICT_METADATA);
    net_rules_destroy(rules);
    rules = make_rules(&(struct net_settings){.allow = exact, .allow_count = 1});
    assert_int_equal(check(rules, "x", "169.254.169.254"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "::ffff:169.254.169.254"), NET_VERDICT_METADATA);
    net_rules_destroy(rules);
}

static void test_rules__private_is_denied_but_what_is_listed(void **state)
{
    (void)state;
    const char *allow[] = {"10.1.0.0/16", "fd00::5", "Git.Example.com", "*.lan"};
    struct net_rules *rules = make_rules(&(struct net_settings){
        .private_addresses = NET_PRIVATE_DENY, .allow = allow, .allow_count = 4});
    assert_int_equal(check(rules, "x", "8.8.8.8"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "127.0.0.1"), NET_VERDICT_PRIVATE);
    assert_int_equal(check(rules, "x", "10.1.2.3"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "10.2.0.0"), NET_VERDICT_PRIVATE);
    assert_int_equal(check(rules, "x", "::ffff:10.1.2.3"), NET_VERDICT_PRIVATE);
    assert_int_equal(check(rules, "x", "fd00::5"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "git.example.com", "192.168.1.1"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "agit.example.com", "192.168.1.1"), NET_VERDICT_PRIVATE);
    assert_int_equal(check(rules, "a.git.example.com", "192.168.1.1"), NET_VERDICT_PRIVATE);
    assert_int_equal(check(rules, "nas.lan", "192.168.1.1"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "lan", "192.168.1.1"), NET_VERDICT_PRIVATE);
    net_rules_destroy(rules);
}

static void test_rules__deny_wins_over_allow(void **state)
{
    (void)state;
    const char *allow[] = {"10.0.0.0/8", "*.example.com"};
    const char *deny[] = {"10.0.0.5", "bad.example.com", "2001:db8::/32", "1.0.0.0/9"};
    struct net_rules *rules = make_rules(
        &(struct net_settings){.allow = allow, .allow_count = 2, .deny = deny, .deny_count = 4});
    assert_int_equal(check(rules, "x", "10.0.0.5"), NET_VERDICT_DENIED);
    assert_int_equal(check(rules, "x", "::ffff:10.0.0.5"), NET_VERDICT_DENIED);
    assert_int_equal(check(rules, "x", "10.0.0.6"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "1.127.0.0"), NET_VERDICT_DENIED);
    assert_int_equal(check(rules, "x", "1.128.0.0"), NET_VERDICT_ALLOWED);
    assert_int_equal(check(rules, "x", "2001:db8:ffff::1"), NET_VERDICT_DENIED);
    assert_int_equal(check(rules, "bad.example.com", "8.8.8.8"), NET_VERDICT_DENIED);
    assert_int_equal(net_rules_check_host(rules, STR("bad.example.com")), NET_VERDICT_DENIED);
    assert_int_equal(net_rules_check_host(rules, STR("good.example.com")), NET_VERDICT_ALLOWED);
    net_rules_destroy(rules);
}

static void test_rules__other_families_are_no_addresses(void **state)
{
    (void)state;
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct net_address address;
    assert_false(net_address_from_sockaddr((const struct sockaddr *)&path, &address));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304)};
    assert_true(net_address_from_sockaddr((const struct sockaddr *)&v4, &address));
    char text[NET_ADDRESS_TEXT_SIZE];
    net_address_format(&address, text);
    assert_string_equal(text, "1.2.3.4");
}

static void test_rules__create_survives_failing_allocations(void **state)
{
    (void)state;
    const char *rules[] = {"10.0.0.0/8", "example.com"};
    const struct net_settings settings = {
        .allow = rules, .allow_count = 2, .deny = rules, .deny_count = 2};
    for (long n = 0;; n++) {
        struct net_rules *made = NULL;
        failing_alloc_arm(n);
        int status = net_rules_create(&settings, &made, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            net_rules_destroy(made);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules__parses_addresses_strictly),
        cmocka_unit_test(test_rules__knows_private_addresses_and_their_edges),
        cmocka_unit_test(test_rules__default_refuses_only_metadata),
        cmocka_unit_test(test_rules__metadata_opens_for_its_very_address_only),
        cmocka_unit_test(test_rules__private_is_denied_but_what_is_listed),
        cmocka_unit_test(test_rules__deny_wins_over_allow),
        cmocka_unit_test(test_rules__other_families_are_no_addresses),
        cmocka_unit_test(test_rules__create_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
