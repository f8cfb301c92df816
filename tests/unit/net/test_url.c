/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/net/net.h"
#include "tests/support/failing_alloc.h"

enum expectation { PUBLIC, NAME, PRIVATE, METADATA, REFUSED };

static const char *const expectation_names[] = {"public", "name", "private", "metadata", "refused"};

/* Ways to write a target, and what it must be taken for where private addresses are denied. */
static const struct {
    const char *url;
    enum expectation expectation;
    const char *host; /* NULL: not looked at */
} cases[] = {
    /* plain */
    {"http://example.com/", NAME, "example.com"},
    {"https://example.com", NAME, "example.com"},
    {"HTTP://EXAMPLE.COM/", NAME, "example.com"},
    {"HtTpS://example.com:8443/x?y#z", NAME, "example.com"},
    {"http://example.com.", NAME, "example.com"},
    {"http://a-b_c.example.com/", NAME, "a-b_c.example.com"},
    {"http://xn--bcher-kva.example/", NAME, "xn--bcher-kva.example"},
    {"http://b\xC3\xBC"
     "cher.example/",
     NAME, "xn--bcher-kva.example"},
    {"http://1e100.net/", NAME, "1e100.net"},
    {"http://127.0.0.1.nip.io/", NAME, "127.0.0.1.nip.io"},
    {"http://localhost/", NAME, "localhost"},
    {"http://93.184.216.34/", PUBLIC, "93.184.216.34"},
    {"http://[2606:4700::1111]/", PUBLIC, NULL},
    {"http://8.8.8.8:53/", PUBLIC, "8.8.8.8"},
    {"http://example.com:65535/", NAME, NULL},
    {"http://example.com/%zz", NAME, NULL},
    {"http://example.com/a b", NAME, NULL},
    {"http://example.com/?q=http://127.0.0.1/", NAME, "example.com"},
    {"http://example.com/@127.0.0.1/", NAME, "example.com"},
    {"http://example.com?@127.0.0.1/", NAME, "example.com"},
    {"http://example.com#@127.0.0.1/", NAME, "example.com"},
    /* loopback in all its clothes */
    {"http://127.0.0.1/", PRIVATE, "127.0.0.1"},
    {"http://127.1/", PRIVATE, "127.0.0.1"},
    {"http://127.0.1/", PRIVATE, "127.0.0.1"},
    {"http://0177.0.0.1/", PRIVATE, "127.0.0.1"},
    {"http://0177.1/", PRIVATE, "127.0.0.1"},
    {"http://0x7f.0.0.1/", PRIVATE, "127.0.0.1"},
    {"http://0x7F.1/", PRIVATE, "127.0.0.1"},
    {"http://0x7f000001/", PRIVATE, "127.0.0.1"},
    {"http://2130706433/", PRIVATE, "127.0.0.1"},
    {"http://017700000001/", PRIVATE, "127.0.0.1"},
    {"http://127.0.0.1./", PRIVATE, "127.0.0.1"},
    {"http://127.127.127.127/", PRIVATE, NULL},
    {"http://0/", PRIVATE, "0.0.0.0"},
    {"http://0.0.0.0/", PRIVATE, NULL},
    {"http://00000000/", PRIVATE, "0.0.0.0"},
    {"http://0x0/", PRIVATE, "0.0.0.0"},
    {"http://%31%32%37.0.0.1/", PRIVATE, "127.0.0.1"},
    {"http://127%2E0%2E0%2E1/", PRIVATE, "127.0.0.1"},
    {"http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1/", PRIVATE, "127.0.0.1"},
    {"http://127\xE3\x80\x82"
     "0\xE3\x80\x82"
     "0\xE3\x80\x82"
     "1/",
     PRIVATE, "127.0.0.1"},
    {"http://[::1]/", PRIVATE, "::1"},
    {"http://[0:0:0:0:0:0:0:1]/", PRIVATE, NULL},
    {"http://[0000:0000::0001]/", PRIVATE, NULL},
    {"http://[::]/", PRIVATE, NULL},
    {"http://[::127.0.0.1]/", PRIVATE, NULL},
    {"http://[::ffff:127.0.0.1]/", PRIVATE, NULL},
    {"http://[::ffff:7f00:1]/", PRIVATE, NULL},
    {"http://[::FFFF:7F00:0001]/", PRIVATE, NULL},
    {"http://[0:0:0:0:0:ffff:127.0.0.1]/", PRIVATE, NULL},
    {"http://[64:ff9b::7f00:1]/", PRIVATE, NULL},
    {"http://[2002:7f00:1::]/", PRIVATE, NULL},
    /* other private ones */
    {"http://10.0.0.1/", PRIVATE, NULL},
    {"http://012.0.0.1/", PRIVATE, "10.0.0.1"},
    {"http://0xa.1/", PRIVATE, "10.0.0.1"},
    {"http://167772161/", PRIVATE, "10.0.0.1"},
    {"http://172.16.0.1/", PRIVATE, NULL},
    {"http://172.31.255.255/", PRIVATE, NULL},
    {"http://192.168.0.1/", PRIVATE, NULL},
    {"http://0300.0250.0.1/", PRIVATE, "192.168.0.1"},
    {"http://0xC0A80001/", PRIVATE, "192.168.0.1"},
    {"http://3232235521/", PRIVATE, "192.168.0.1"},
    {"http://100.64.0.1/", PRIVATE, NULL},
    {"http://169.254.1.1/", PRIVATE, NULL},
    {"http://198.18.0.1/", PRIVATE, NULL},
    {"http://224.0.0.1/", PRIVATE, NULL},
    {"http://255.255.255.255/", PRIVATE, NULL},
    {"http://0xffffffff/", PRIVATE, NULL},
    {"http://4294967295/", PRIVATE, NULL},
    {"http://[fc00::1]/", PRIVATE, NULL},
    {"http://[fd12:3456::1]/", PRIVATE, NULL},
    {"http://[fe80::1]/", PRIVATE, NULL},
    {"http://[ff02::1]/", PRIVATE, NULL},
    {"http://[::ffff:10.0.0.1]/", PRIVATE, NULL},
    {"http://[::ffff:c0a8:1]/", PRIVATE, NULL},
    {"http://[2001:db8::1]/", PRIVATE, NULL},
    {"http://[::ffff:8.8.8.8]/", PRIVATE, NULL},
    /* the metadata service */
    {"http://169.254.169.254/latest/meta-data/", METADATA, NULL},
    {"http://0251.0376.0251.0376/", METADATA, NULL},
    {"http://0xa9fea9fe/", METADATA, NULL},
    {"http://0xA9.0xFE.0xA9.0xFE/", METADATA, NULL},
    {"http://2852039166/", METADATA, NULL},
    {"http://169.16689662/", METADATA, NULL},
    {"http://169.254.43518/", METADATA, NULL},
    {"http://169.254.169.254./", METADATA, NULL},
    {"http://[::ffff:169.254.169.254]/", METADATA, NULL},
    {"http://[::ffff:a9fe:a9fe]/", METADATA, NULL},
    {"http://[64:ff9b::169.254.169.254]/", METADATA, NULL},
    {"http://[2002:a9fe:a9fe::1]/", METADATA, NULL},
    {"http://[fd00:ec2::254]/", METADATA, NULL},
    {"http://[fd00:0ec2:0:0:0:0:0:254]/", METADATA, NULL},
    /* no URL of ours */
    {"", REFUSED, NULL},
    {"/", REFUSED, NULL},
    {"example.com", REFUSED, NULL},
    {"//example.com/", REFUSED, NULL},
    {"http:", REFUSED, NULL},
    {"http://", REFUSED, NULL},
    {"http:///example.com", REFUSED, NULL},
    {"http:/example.com", REFUSED, NULL},
    {"http:example.com", REFUSED, NULL},
    {"http:\\\\example.com", REFUSED, NULL},
    {" http://example.com", REFUSED, NULL},
    {"ftp://example.com/", REFUSED, NULL},
    {"file:///etc/passwd", REFUSED, NULL},
    {"file://example.com/etc/passwd", REFUSED, NULL},
    {"gopher://example.com:6379/_x", REFUSED, NULL},
    {"dict://example.com/", REFUSED, NULL},
    {"unix:///var/run/docker.sock", REFUSED, NULL},
    {"javascript:alert(1)", REFUSED, NULL},
    {"data:text/plain,x", REFUSED, NULL},
    {"ws://example.com/", REFUSED, NULL},
    {"http://user@example.com/", REFUSED, NULL},
    {"http://user:secret@example.com/", REFUSED, NULL},
    {"http://@example.com/", REFUSED, NULL},
    {"http://example.com@127.0.0.1/", REFUSED, NULL},
    {"http://127.0.0.1:80@example.com/", REFUSED, NULL},
    {"http://example.com\\@127.0.0.1/", REFUSED, NULL},
    {"http://exa mple.com/", REFUSED, NULL},
    {"http://exa\tmple.com/", REFUSED, NULL},
    {"http://example.com\r\nX: y/", REFUSED, NULL},
    {"http://example.com/\r\nX: y", REFUSED, NULL},
    {"http://example.com:0/", REFUSED, NULL},
    {"http://example.com:65536/", REFUSED, NULL},
    {"http://example.com:80x/", REFUSED, NULL},
    {"http://example.com:-1/", REFUSED, NULL},
    {"http://example..com/", REFUSED, NULL},
    {"http://.example.com/", REFUSED, NULL},
    {"http://256.256.256.256/", REFUSED, NULL},
    {"http://127.0.0.1.1/", REFUSED, NULL},
    {"http://4294967296/", REFUSED, NULL},
    {"http://0x100000000/", REFUSED, NULL},
    {"http://1.2.3.0x/", REFUSED, NULL},
    {"http://example.0x7f/", REFUSED, NULL},
    {"http://example.123/", REFUSED, NULL},
    {"http://[::1/", REFUSED, NULL},
    {"http://[::1]x/", REFUSED, NULL},
    {"http://::1/", REFUSED, NULL},
    {"http://[fe80::1%25eth0]/", REFUSED, NULL},
    {"http://[v1.x]/", REFUSED, NULL},
    {"http://[127.0.0.1]/", REFUSED, NULL},
    {"http://ex%00ample.com/", REFUSED, NULL},
    {"http://ex%2Fample.com/", REFUSED, NULL},
    {"http://ex%40ample.com/", REFUSED, NULL},
    {"http://example.com%0d%0a/", REFUSED, NULL},
    {"http://$(id).example.com/", REFUSED, NULL},
    {"http://example.com;x/", REFUSED, NULL},
    {"http://*/", REFUSED, NULL},
};

static enum expectation take(const struct net_rules *rules, const struct url *url)
{
    if (url->address.size == 0) {
        return NAME;
    }
    switch (net_rules_check_address(rules, str_from(url->host), &url->address)) {
    case NET_VERDICT_ALLOWED:
        return PUBLIC;
    case NET_VERDICT_METADATA:
        return METADATA;
    case NET_VERDICT_PRIVATE:
    case NET_VERDICT_DENIED:
        break;
    }
    return PRIVATE;
}

static void test_url__is_taken_for_what_it_is(void **state)
{
    (void)state;
    struct net_rules *rules = NULL;
    const struct net_settings settings = {.private_addresses = NET_PRIVATE_DENY};
    assert_int_equal(net_rules_create(&settings, &rules, NULL), 0);
    assert_true(sizeof cases / sizeof cases[0] >= 120);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url url = URL_INIT;
        struct error err = {0};
        int status = url_parse(str_from(cases[i].url), &url, &err);
        enum expectation taken = status == 0 ? take(rules, &url) : REFUSED;
        if (taken != cases[i].expectation) {
            fail_msg("'%s' was taken for %s ('%s', %s), not %s", cases[i].url,
                     expectation_names[taken], url.host != NULL ? url.host : "", err.message,
                     expectation_names[cases[i].expectation]);
        }
        if (cases[i].host != NULL) {
            assert_string_equal(url.host, cases[i].host);
        }
        assert_int_equal(status == 0, err.message[0] == '\0');
        url_finish(&url);
    }
    net_rules_destroy(rules);
}

static void test_url__has_one_form(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(url_parse(STR("HTTPS://Example.COM:443/a/../b?secret=1#part"), &url, NULL), 0);
    assert_string_equal(url.text, "https://example.com:443/b?secret=1");
    assert_string_equal(url.origin, "https://example.com:443");
    assert_string_equal(url.shown, "https://example.com:443/b");
    assert_int_equal(url.port, 443);
    assert_true(url.is_https);
    url_finish(&url);
    assert_int_equal(url_parse(STR("http://[::1]"), &url, NULL), 0);
    assert_string_equal(url.origin, "http://[::1]:80");
    assert_string_equal(url.text, "http://[::1]/");
    url_finish(&url);
}

static void test_url__too_long_is_refused(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    struct url url;
    struct error err;
    strbuf_append_text(&text, "http://example.com/");
    while (text.n <= URL_MAX_BYTES) {
        strbuf_append_char(&text, 'a');
    }
    assert_int_equal(url_parse(strbuf_str(&text), &url, &err), E_LIMIT);
    text.n--;
    assert_int_equal(url_parse(strbuf_str(&text), &url, &err), 0);
    url_finish(&url);
    strbuf_finish(&text);
    assert_int_equal(url_parse(str_make("http://a\0b/", 11), &url, &err), E_INVALID);
}

static void test_url__resolves_locations(void **state)
{
    (void)state;
    static const char *const locations[][2] = {
        {"/x", "http://example.com/x"},
        {"x", "http://example.com/a/x"},
        {"../x", "http://example.com/x"},
        {"?q=1", "http://example.com/a/b?q=1"},
        {"//other.example/x", "http://other.example/x"},
        {"https://other.example", "https://other.example/"},
        {"http://0x7f.1/", "http://127.0.0.1/"},
    };
    static const char *const bad[] = {"ftp://x/",          "file:///x",      "http://u@x/",
                                      "http://256.1.1.1/", "javascript:x()", "http://ex%00ample/"};
    struct url base;
    struct url url;
    assert_int_equal(url_parse(STR("http://example.com/a/b"), &base, NULL), 0);
    for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
        assert_int_equal(url_resolve(&base, str_from(locations[i][0]), &url, NULL), 0);
        assert_string_equal(url.text, locations[i][1]);
        url_finish(&url);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        url = URL_INIT;
        if (url_resolve(&base, str_from(bad[i]), &url, NULL) == 0) {
            /* libcurl reads an unknown scheme without "//" as a path: harmless */
            assert_string_equal(url.host, "example.com");
            url_finish(&url);
        }
    }
    url_finish(&base);
}

static void test_url__parse_survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct url url;
        failing_alloc_arm(n);
        int status = url_parse(STR("http://example.com/x?y"), &url, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            url_finish(&url);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url__is_taken_for_what_it_is),
        cmocka_unit_test(test_url__has_one_form),
        cmocka_unit_test(test_url__too_long_is_refused),
        cmocka_unit_test(test_url__resolves_locations),
        cmocka_unit_test(test_url__parse_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
