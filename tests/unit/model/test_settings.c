/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

/* Nothing when all is as without a file. */
static void append_rest(const struct settings *settings, struct strbuf *out)
{
    const struct retention *retention = &settings->retention;
    if (retention->keep_ms + retention->keep_failed_ms + retention->max_runs > 0) {
        strbuf_append_format(out, " %lld %lld %u", (long long)retention->keep_ms,
                             (long long)retention->keep_failed_ms, retention->max_runs);
    }
    if (settings->sandbox == SANDBOX_NONE) {
        strbuf_append_text(out, " none");
    }
    if (settings->secrets_folder != NULL) {
        strbuf_append_format(out, " folder '%s'", settings->secrets_folder);
    }
    if (settings->secrets != NULL) {
        strbuf_append_char(out, ' ');
        json_write(document_root(settings->secrets), 0, out);
    }
    const struct settings_backpressure *most = &settings->backpressure;
    if (most->max_live_runs + most->max_waiting_writes + most->max_memory_mb > 0) {
        strbuf_append_format(out, " %u runs %u writes %u MiB", most->max_live_runs,
                             most->max_waiting_writes, most->max_memory_mb);
    }
}

/* Reads `text`; `out` gets the constants as JSON and the rest, or what is wrong. */
static int read_text(const char *text, struct strbuf *out)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct settings settings = {0};
    struct error err = {0};
    int status = settings_read(str_from(text), "s.yaml", &diagnostics, &settings, &err);
    if (status == 0) {
        json_write(document_root(settings.config), 0, out);
        append_rest(&settings, out);
        settings_finish(&settings);
    } else {
        diagnostics_print(&diagnostics, NULL, NULL, 0, out);
    }
    diagnostics_finish(&diagnostics);
    return status;
}

static void test_settings__constants_are_read(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"config: {a: 1, b: [x, null], c: {d: true}}",
         "{\"a\":1,\"b\":[\"x\",null],\"c\":{\"d\":true}}"},
        {"{\"config\": {\"a\": 1.5}}", "{\"a\":1.5}"},
        {"config: {}", "{}"},
        {"{}", "{}"},
        {"# nothing\n", "{}"},
        {"", "{}"},
        {"retention: {keep: 1s, keep_failed: 2s, max_runs: 3}", "{} 1000 2000 3"},
        {"retention: {max_runs: 3}\nsandbox: none", "{} 0 0 3 none"},
        {"retention: {}\nsandbox: required", "{}"},
        {"backpressure: {max_live_runs: 5, max_memory_mb: 7}", "{} 5 runs 0 writes 7 MiB"},
        {"backpressure: {max_waiting_writes: 6}", "{} 0 runs 6 writes 0 MiB"},
        {"secrets_folder: /etc/secrets", "{} folder '/etc/secrets'"},
        {"secrets_folder: ''", "{} folder ''"},
        {"config:\nretention:\ncache:\nbackpressure:\nsecrets:", "{}"},
        {"secrets: {a.b: {hosts: [a.example, '*.b.example:80']}, c: {hosts: [], processes: true}}",
         "{} {\"a.b\":{\"hosts\":[\"a.example\",\"*.b.example:80\"]},"
         "\"c\":{\"hosts\":[],\"processes\":true}}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        assert_int_equal(read_text(cases[i][0], &out), 0);
        assert_string_equal(strbuf_str(&out).p, cases[i][1]);
        strbuf_finish(&out);
    }
}

static void test_settings__mistakes_have_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"conf: {a: 1}", "s.yaml:1:1: error: the file of settings has the unknown key 'conf'\n"},
        {"config: 5",
         "s.yaml:1:9: error: 'config' of the file of settings must be a map, not '5'\n"},
        {"retention: 30d",
         "s.yaml:1:12: error: 'retention' of the file of settings must be a map, not '30d'\n"},
        {"retention: {keep: 0s}",
         "s.yaml:1:19: error: 'keep' of 'retention' must be more than 0, not '0s'\n"},
        {"retention: {keep_failed: 3}",
         "s.yaml:1:26: error: 'keep_failed' of 'retention' must be a duration like 250ms, 30s, 5m, "
         "2h or 7d, not '3'\n"},
        {"retention: {max_runs: all}", "s.yaml:1:23: error: 'max_runs' of 'retention' must be a "
                                       "whole number from 1 on, not 'all'\n"},
        {"retention: {keeps: 1d}", "s.yaml:1:13: error: 'retention' has the unknown key 'keeps'\n"},
        {"backpressure: {max_live_runs: 0}",
         "s.yaml:1:31: error: 'max_live_runs' of 'backpressure' must be a whole number from 1 on, "
         "not '0'\n"},
        {"backpressure: {max_runs: 9}",
         "s.yaml:1:16: error: 'backpressure' has the unknown key 'max_runs'\n"},
        {"backpressure: 9",
         "s.yaml:1:15: error: 'backpressure' of the file of settings must be a map, not '9'\n"},
        {"secrets: [a]",
         "s.yaml:1:10: error: 'secrets' of the file of settings must be a map, not a list\n"},
        {"secrets: {'a b': {hosts: [x]}}",
         "s.yaml:1:11: error: no secret can have the name 'a b'\n"},
        {"secrets: {a: x}", "s.yaml:1:14: error: the secret 'a' must be a map, not text\n"},
        {"secrets: {a: {host: [x]}}",
         "s.yaml:1:15: error: the secret 'a' has the unknown key 'host'\n"
         "  did you mean 'hosts'?\n"},
        {"secrets: {a: {processes: true}}",
         "s.yaml:1:11: error: the secret 'a': 'hosts' is missing\n"
         "  write hosts: [api.example.com], or hosts: [] for none at all\n"},
        {"secrets: {a: {hosts: [x], key: 1}}",
         "s.yaml:1:27: error: the secret 'a' has the unknown key 'key'\n"},
        {"secrets: {a: {hosts: x}}", "s.yaml:1:22: error: 'hosts' of the secret 'a' must be "},
        {"secrets: {a: {hosts: ['https://x']}}",
         "s.yaml:1:23: error: the host 'https://x' is a URL: write its host alone\n"},
        {"secrets: {a: {hosts: [x], processes: 1}}",
         "s.yaml:1:38: error: 'processes' of the secret 'a' must be true or false, not '1'\n"},
        {"sandbox: strict", "s.yaml:1:10: error: 'sandbox' of the file of settings must be one of "
                            "'required', 'none', not 'strict'\n"},
        {"sandbox: [none]", "s.yaml:1:10: error: 'sandbox' of the file of settings must be one of "
                            "'required', 'none', not a list\n"},
        {"cache: {max_bytes: 1gb}", "s.yaml:1:20: error: 'max_bytes' of 'cache' must be a size in "
                                    "bytes, or like 64KiB or 10MB, not '1gb'\n"
                                    "  write '1GB'\n"},
        {"secrets_folder: etc/secrets",
         "s.yaml:1:17: error: 'secrets_folder' must be a path from / on, not 'etc/secrets'\n"
         "  write /etc/opstream/secrets, or \"\" for none\n"},
        {"- a", "s.yaml:1:1: error: the file of settings must be a map, not a list\n"},
        {"config: {\xFF: 1}", "s.yaml:1:10: error: not UTF-8: byte 0xff\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        assert_int_equal(read_text(cases[i][0], &out), E_INVALID);
        strbuf_append(&out, "", 0);
        if (strncmp(out.p, cases[i][1], strlen(cases[i][1])) != 0) {
            assert_string_equal(out.p, cases[i][1]);
        }
        strbuf_finish(&out);
    }
}

static struct document *document_of(const char *json)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(json), NULL, &document, NULL), 0);
    return document;
}

static void assert_merged(const char *own, const char *site, const char *expected)
{
    struct document *nearer = document_of(own);
    struct document *farther = site != NULL ? document_of(site) : NULL;
    struct document *both = NULL;
    struct strbuf out = STRBUF_INIT;
    assert_int_equal(settings_merge(nearer, farther, &both), 0);
    document_unref(nearer);
    document_unref(farther);
    json_write(document_root(both), 0, &out);
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_finish(&out);
    document_unref(both);
}

static void test_settings__nearer_constants_win(void **state)
{
    (void)state;
    assert_merged("{\"a\":1,\"m\":{\"x\":1}}", "{\"a\":2,\"b\":3,\"m\":{\"y\":2}}",
                  "{\"a\":1,\"m\":{\"x\":1},\"b\":3}");
    assert_merged("{}", "{\"a\":[1,{\"b\":\"text\"}]}", "{\"a\":[1,{\"b\":\"text\"}]}");
    assert_merged("{\"a\":1}", NULL, "{\"a\":1}");
    assert_merged("{}", "{}", "{}");
}

static void assert_retention(struct retention own, struct retention site, struct retention is)
{
    struct retention both = settings_merge_retention(own, site);
    assert_int_equal(both.keep_ms, is.keep_ms);
    assert_int_equal(both.keep_failed_ms, is.keep_failed_ms);
    assert_int_equal(both.max_runs, is.max_runs);
}

static void test_settings__nearer_retention_wins_key_by_key(void **state)
{
    (void)state;
    assert_retention((struct retention){0}, (struct retention){0}, (struct retention){0});
    assert_retention((struct retention){.keep_ms = 1}, (struct retention){9, 8, 7},
                     (struct retention){1, 8, 7});
    assert_retention((struct retention){.keep_ms = 1, .max_runs = 2}, (struct retention){0},
                     (struct retention){1, 1, 2});
    assert_retention((struct retention){.keep_failed_ms = 5}, (struct retention){.keep_ms = 9},
                     (struct retention){9, 5, 0});
}

static void test_settings__failing_allocations_are_told(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        int status = read_text("config: {a: 1, b: [x, null]}\nretention: {keep: 1s}", &out);
        is_reached = failing_alloc_disarm();
        assert_true(status == 0 || (is_reached && status == E_NOMEM));
        strbuf_finish(&out);
    }
    struct document *own = document_of("{\"a\":[1]}");
    struct document *site = document_of("{\"b\":[1]}");
    is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *both = NULL;
        failing_alloc_arm(n);
        int status = settings_merge(own, site, &both);
        is_reached = failing_alloc_disarm();
        assert_true(is_reached ? status == E_NOMEM && both == NULL : status == 0);
        document_unref(both);
    }
    document_unref(own);
    document_unref(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings__constants_are_read),
        cmocka_unit_test(test_settings__mistakes_have_their_place),
        cmocka_unit_test(test_settings__nearer_constants_win),
        cmocka_unit_test(test_settings__nearer_retention_wins_key_by_key),
        cmocka_unit_test(test_settings__failing_allocations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
