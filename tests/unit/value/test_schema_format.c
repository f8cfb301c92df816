/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/value/schema.h"
#include "core/value/schema_format.h"

/* Texts that a format takes or refuses; NULL ends a list. */
static void check_texts(const char *format, bool is_valid, const char *const *texts)
{
    const struct schema_format *found = schema_format_find(str_from(format));
    assert_non_null(found);
    for (; *texts != NULL; texts++) {
        if (found->is_valid(str_from(*texts)) != is_valid) {
            fail_msg("format %s: '%s' must be %s", format, *texts, is_valid ? "valid" : "invalid");
        }
    }
    assert_true(found->is_valid(str_make(NULL, 0)) == (strcmp(format, "uri-reference") == 0));
    assert_false(found->is_valid(str_make("\0", 1)));
}

#define VALID(format, ...)   check_texts((format), true, (const char *const[]){__VA_ARGS__, NULL})
#define INVALID(format, ...) check_texts((format), false, (const char *const[]){__VA_ARGS__, NULL})

static void test_schema_format__date_time(void **state)
{
    (void)state;
    VALID("date-time", "1963-06-19T08:30:06.283185Z", "1963-06-19T08:30:06Z",
          "1937-01-01T12:00:27.87+00:20", "1990-12-31T15:59:50.123-08:00", "1998-12-31T23:59:60Z",
          "1998-12-31T15:59:60.123-08:00", "1963-06-19t08:30:06.283185z", "2024-02-29T00:00:00Z",
          "2000-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "2024-12-31T23:59:59+23:59",
          "2024-01-01T00:29:60+00:30");
    INVALID("date-time", "1998-12-31T23:59:61Z", "1998-12-31T23:58:60Z", "1998-12-31T22:59:60Z",
            "1998-12-31T23:59:60+01:00", "1990-02-31T15:59:59.123-08:00",
            "1990-12-31T15:59:59-24:00", "1990-12-31T15:59:59+00:60",
            "1963-06-19T08:30:06.28123+01:00Z", "06/19/1963 08:30:06 PST", "2013-350T01:01:01",
            "1963-6-19T08:30:06.283185Z", "1963-06-1T00:00:00Z", "1963-06-1\xe0\xa7\xaaT00:00:00Z",
            "11963-06-19T08:30:06.283185Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z", "2024-00-10T00:00:00Z", "2024-04-31T00:00:00Z",
            "2024-01-00T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
            "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00Z",
            "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00Z ");
    assert_true(schema_is_date_time(STR("2024-02-29T23:59:60Z")));
}

static void test_schema_format__date_and_time(void **state)
{
    (void)state;
    VALID("date", "1963-06-19", "2020-01-31", "2020-02-29", "2021-02-28", "9999-12-31");
    INVALID("date", "2021-02-29", "2020-02-30", "2020-04-31", "06/19/1963", "2013-350", "1998-1-20",
            "1998-01-1", "1998-13-01", "20230328", "2023-W01", "2023-13", "963-06-19",
            "2020-01-31T", " 2020-01-31");
    VALID("time", "08:30:06Z", "23:59:60Z", "23:59:60+00:00", "01:29:60+01:30", "23:29:60+23:30",
          "15:59:60-08:00", "00:29:60-23:30", "23:20:50.52Z", "08:30:06+00:20", "08:30:06z");
    INVALID("time", "008:030:006Z", "8:3:6Z", "22:59:60Z", "23:58:60Z", "23:59:60+01:00",
            "24:00:00Z", "00:60:00Z", "00:00:61Z", "01:02:03+24:00", "01:02:03+00:60",
            "01:02:03Z+00:30", "08:30:06 PST", "01:01:01,1111", "12:00:00", "08:30:06#00:20");
}

static void test_schema_format__duration(void **state)
{
    (void)state;
    VALID("duration", "P4DT12H30M5S", "P4Y", "PT0S", "P0D", "P1M", "PT1M", "PT36H", "P1DT12H",
          "P2W", "P1Y2M3D", "P1Y2M", "P2M3D", "PT1H30M", "PT1M5S", "P1YT1S",
          "P99999999999999999999999D");
    INVALID("duration", "PT1D", "4DT12H30M5S", "P", "PT", "P1YT", "P2D1Y", "P1D2H", "P2S", "P1Y2W",
            "P1W2D", "P1", "P1\xe0\xa7\xa8Y", "P1Y2D", "PT1H2S", "PT1.5S", "p1Y", "P-1D", "P1y",
            "PT1M1M", "P 1D", "-P1D", "P1D ", "P1WT1H", "PW");
    assert_true(schema_is_duration(STR("P2W")));
}

static void test_schema_format__uri(void **state)
{
    (void)state;
    VALID("uri", "http://foo.bar/?baz=qux#quux", "http://foo.bar/?q=Test%20URL-encoded%20stuff",
          "http://xn--nw2a.xn--j6w193g/", "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com",
          "http://223.255.255.254", "ftp://ftp.is.co.za/rfc/rfc1808.txt",
          "http://www.ietf.org/rfc/rfc2396.txt", "ldap://[2001:db8::7]/c=GB?objectClass?one",
          "mailto:John.Doe@example.com", "news:comp.infosystems.www.servers.unix",
          "tel:+1-816-555-1212", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
          "http://[::1]:8080/", "http://[::ffff:192.0.2.1]", "http://[v1.fe80::a]", "http://host:/",
          "file:///etc/hosts", "a:", "x-y+z.1:b", "http://a/b?c/d?e#f/g?h", "http://@host",
          "http://user:pw@host:1");
    INVALID("uri", "//foo.bar/?baz=qux#quux", "/abc", "\\\\WINDOWS\\fileshare", "abc",
            "http:// shouldfail.com", ":// should fail", "bar,baz:foo",
            "https://[@example.org/test.txt", "https://example.org/foobar\\.txt",
            "https://example.org/foobar<>.txt", "https://example.org/foobar{}.txt",
            "https://example.org/foobar^.txt", "https://example.org/foobar`.txt",
            "https://example.org/foo bar.txt", "https://example.org/foobar|.txt",
            "https://example.org/foobar\".txt", "1http://a", "http://a/%zz", "http://a/%2",
            "http://[::1", "http://[::g]", "http://[1.2.3.4]", "http://[::1]x", "http://[v1.]",
            "http://[v.a]", "http://a:b", "http://a@b@c", "http://a/#b#c", "http://\xc3\xa4/",
            "http://[]", "+a:b");
    VALID("uri-reference", "http://foo.bar/?baz=qux#quux", "//foo.bar/?baz=qux", "/abc", "abc",
          "#fragment", "?q", "a/b:c", "../x");
    INVALID("uri-reference", "\\\\WINDOWS\\fileshare", "#frag\\ment", "1a:b", "//[", "a b");
    assert_true(schema_is_uri(STR("https://example.org/")));
}

static void test_schema_format__email(void **state)
{
    (void)state;
    VALID("email", "joe.bloggs@example.com", "te~st@example.com", "~test@example.com",
          "test~@example.com", "\"joe bloggs\"@example.com", "\"joe..bloggs\"@example.com",
          "\"joe@bloggs\"@example.com", "joe.bloggs@[127.0.0.1]", "joe.bloggs@[IPv6:::1]",
          "te.s.t@example.com", "riedgar+guidelines@example.com", "a@b", "\"\\\"\"@b", "a@1.2",
          "0123456789012345678901234567890123456789012345678901234567890123@b");
    INVALID("email", "2962", ".test@example.com", "test.@example.com", "te..st@example.com",
            "joe.bloggs@invalid=domain.com", "joe.bloggs@[127.0.0.300]", "user@", "@host",
            "joe bloggs@example.com", "a@b@c", "a@-b.c", "a@b..c", "a@b.c.", "\"a@b", "\"a\"b\"@c",
            "\"a\\\"@b", "user1@oceania.org, user2@oceania.org", "\"Winston\" <w@oceania.org>",
            "j\xc3\xa4@b.c", "a@b.\xc3\xa4", "a@[IPv6:1]", "a@[]", "a@ b", "\"\"\"@a",
            "01234567890123456789012345678901234567890123456789012345678901234@b");
    assert_true(schema_is_email(STR("a@example.org")));
}

static void test_schema_format__hosts_and_ids(void **state)
{
    (void)state;
    VALID("hostname", "www.example.com", "xn--4gbwdl.xn--wgbh1c", "hostname", "h0stn4me", "1host",
          "host-name", "a.b.c", "abc-def.1",
          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk.com");
    INVALID("hostname", "-a-host-name-that-starts-with--", "not_a_valid_host_name", ".example",
            "example.", "a..b", "host-", "-host", "a b", "host:80", "h\xc3\xb6st",
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl.com");
    VALID("ipv4", "192.168.0.1", "0.0.0.0", "255.255.255.255");
    INVALID("ipv4", "127.0.0.0.1", "256.256.256.256", "127.0", "0x7f000001", "2130706433",
            "087.10.0.1", "192.168.1.0/24", " 1.2.3.4", "1.2.3.4\n",
            "1\xe0\xa7\xa8"
            "7.0.0.1");
    VALID("ipv6", "::1", "::abef", "::", "::42:ff:1", "d6::", "1:d6::42", "1::d6:192.168.0.1",
          "1:2::192.168.0.1", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8");
    INVALID("ipv6", "12345::", "::abcef", "1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1", "::laptop",
            ":2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", "1::d6::42", "1:2::192.168.256.1", ":::", "1",
            "127.0.0.1", "fe80::/64", "fe80::a%eth1", "  ::1", "::1  ", "1:2:3:4:5:6:7:8:9");
    VALID("ops-exit-code", "1", "75", "255");
    INVALID("ops-exit-code", "", "0", "256", "300", "01", "-1", "+1", "1x", "x", " 1",
            "9999999999");
    VALID("ops-duration", "250ms", "30s", "5m", "1h30m", "7d", "1d2h");
    INVALID("ops-duration", "", "5", "0s", "0h0m", "soon", "1.5s", "-1s", "5us", "5ns", "1h 5m",
            "PT1H", "99999999999999999999s");
    VALID("uuid", "2EB8AA08-AA98-11EA-B4AA-73B441D16380", "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
          "00000000-0000-0000-0000-000000000000");
    INVALID("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08-aa98-11ea-73b441d16380",
            "2eb8aa08-aa98-11ea-b4ga-73b441d16380", "2eb8aa08aa9811eab4aa73b441d16380",
            "2eb8aa08aa98-11ea-b4aa73b441d16380----", "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380");
}

static void test_schema_format__knows_its_names(void **state)
{
    (void)state;
    assert_null(schema_format_find(STR("idn-email")));
    assert_null(schema_format_find(STR("")));
    assert_null(schema_format_find(STR("Date")));
    assert_string_equal(schema_format_find(STR("date"))->name, "date");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_format__date_time),
        cmocka_unit_test(test_schema_format__date_and_time),
        cmocka_unit_test(test_schema_format__duration),
        cmocka_unit_test(test_schema_format__uri),
        cmocka_unit_test(test_schema_format__email),
        cmocka_unit_test(test_schema_format__hosts_and_ids),
        cmocka_unit_test(test_schema_format__knows_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
