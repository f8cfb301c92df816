/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "core/policy/rate_words.h"
#include "core/policy/retry.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define NOW             INT64_C(1800000000500) /* 2027-01-15T08:00:00.5Z */
#define NOTHING         (-1)

/* One header, or two: "name: value\nname: value". */
struct row {
    int32_t status;
    const char *headers;
    int64_t frozen_ms; /* from now on; 0: not */
    int64_t remaining; /* NOTHING: it says nothing */
    int64_t reset_ms;  /* from now on; 0: unknown */
};

static struct rate_said read_headers(const char *headers, int32_t status)
{
    struct str words[RATE_WORDS] = {{0}};
    struct str rest = str_from(headers);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        const char *colon = memchr(rest.p, ':', n);
        assert_non_null(colon);
        int found = RATE_WORDS;
        for (int i = 0; i < RATE_WORDS; i++) {
            struct str name = str_make(rest.p, (size_t)(colon - rest.p));
            found = str_equal_text(name, rate_word_names[i]) ? i : found;
        }
        assert_true(found < RATE_WORDS);
        words[found] = str_trim(str_make(colon + 1, (size_t)(rest.p + n - colon - 1)));
        size_t skipped = end != NULL ? n + 1 : n;
        rest = str_make(rest.p + skipped, rest.n - skipped);
    }
    return rate_words_read(words, status, NOW);
}

static void expect_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct rate_said said = read_headers(row->headers, row->status);
        int64_t frozen = said.frozen_until > 0 ? said.frozen_until - NOW : 0;
        int64_t reset = said.reset_at > 0 ? said.reset_at - NOW : 0;
        int64_t remaining = said.has_remaining ? (int64_t)said.remaining : NOTHING;
        if (frozen != row->frozen_ms || remaining != row->remaining || reset != row->reset_ms) {
            fail_msg("row %zu (%d %s): frozen %lld, remaining %lld, reset %lld", i, row->status,
                     row->headers, (long long)frozen, (long long)remaining, (long long)reset);
        }
    }
}

static void test_rate_words__a_refusal_says_until_when(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {429, "retry-after: 30", 30000, NOTHING, 0},
        {403, "retry-after: 30", 30000, NOTHING, 0},
        {503, "retry-after: 30", 0, NOTHING, 0},
        {200, "retry-after: 30", 0, NOTHING, 0},
        {429, "retry-after: Fri, 15 Jan 2027 08:00:10 GMT", 9500, NOTHING, 0},
        {429, "retry-after: soon", 0, NOTHING, 0},
        {429, "retry-after: 99999999", 3600000, NOTHING, 0},
        {429, "", 0, NOTHING, 0},
        {429, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1800000060", 59500, 0, 59500},
        {403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1800000060", 59500, 0, 59500},
        {403, "x-ratelimit-remaining: 5\nx-ratelimit-reset: 1800000060", 0, 5, 59500},
        {429, "x-ratelimit-remaining: 0", 0, 0, 0},
        {429, "ratelimit-remaining: 0\nratelimit-reset: 7", 7000, 0, 7000},
        {429, "ratelimit: \"a\";r=0;t=7", 7000, 0, 7000},
        {429, "retry-after: 3\nratelimit: \"a\";r=0;t=7", 3000, 0, 7000},
    };
    expect_rows(rows, COUNT_OF(rows));
}

static void test_rate_words__a_reset_is_a_time_or_a_wait(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 1800000060", 0, 9, 59500},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 1800000060000", 0, 9, 59500},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 1800000060.2", 0, 9, 60500},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 60", 0, 9, 60000},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 0.25", 0, 9, 1000},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 999999999", 0, 9, 3600000},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: Fri, 15 Jan 2027 08:00:10 GMT", 0, 9,
         9500},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 1700000060", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 0", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: -5", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 5.", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: .5", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 99999999999999999999", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nx-ratelimit-reset: 6m0s", 0, 9, 0},
        {200, "x-ratelimit-remaining: 9\nratelimit-reset: 60", 0, 9, 0},
        {200, "x-ratelimit-reset: 60", 0, NOTHING, 0},
    };
    expect_rows(rows, COUNT_OF(rows));
}

static void test_rate_words__remaining_is_a_number(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {200, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 60", 0, 0, 60000},
        {200, "x-ratelimit-remaining: 999999999", 0, 999999999, 0},
        {200, "x-ratelimit-remaining: 1000000000", 0, NOTHING, 0},
        {200, "x-ratelimit-remaining: -1", 0, NOTHING, 0},
        {200, "x-ratelimit-remaining: 1.5", 0, NOTHING, 0},
        {200, "x-ratelimit-remaining: many", 0, NOTHING, 0},
        {200, "x-ratelimit-remaining: many\nratelimit-remaining: 4", 0, 4, 0},
        {200, "x-ratelimit-remaining: 3\nratelimit-remaining: 4", 0, 3, 0},
    };
    expect_rows(rows, COUNT_OF(rows));
}

static void test_rate_words__one_header_may_say_all(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {200, "ratelimit: \"default\";r=50;t=30", 0, 50, 30000},
        {200, "ratelimit: default;r=50;t=30", 0, 50, 30000},
        {200, "ratelimit: \"default\";r=50", 0, 50, 0},
        {200, "ratelimit: \"a;r=1,b\" ; r=50 ; t=30", 0, 50, 30000},
        {200, "ratelimit: \"hour\";r=50;t=30, \"day\";r=7;t=900", 0, 7, 900000},
        {200, "ratelimit: \"hour\";t=30, \"day\";r=7;t=900", 0, 7, 900000},
        {200, "ratelimit: \"hour\";r=7;t=30, \"day\";r=50;t=900", 0, 7, 30000},
        {200, "ratelimit: limit=100, remaining=50, reset=30", 0, 50, 30000},
        {200, "ratelimit: limit=100;w=60,remaining=50,reset=30", 0, 50, 30000},
        {200, "ratelimit: limit=100, remaining=50", 0, 50, 0},
        {200, "ratelimit: limit=100, reset=5", 0, NOTHING, 0},
        {200, "ratelimit: \"default\";q=100;w=60", 0, NOTHING, 0},
        {200, "ratelimit: \"default;r=1", 0, NOTHING, 0},
        {200, "ratelimit: \"default\";r=;t=", 0, NOTHING, 0},
        {200, "ratelimit: ,;,=;\"", 0, NOTHING, 0},
    };
    expect_rows(rows, COUNT_OF(rows));
}

#define SPENT "x-ratelimit-remaining: 0\nx-ratelimit-reset: 60\nx-ratelimit-resource: "

static void test_rate_words__one_of_several_limits_is_said_by_name(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        const char *headers;
        int64_t frozen_ms; /* the service; the resource has none left */
        const char *resource;
    } rows[] = {
        {200, SPENT "search", 0, "search"},
        {200, SPENT "core", 0, "core"},
        {200, SPENT "Code_search-2", 0, "Code_search-2"},
        {200, SPENT "abcdefghijklmnopqrstuvwxyz012345", 0, "abcdefghijklmnopqrstuvwxyz012345"},
        {403, SPENT "search", 0, "search"},
        {429, SPENT "search", 0, "search"},
        {429, SPENT "search\nretry-after: 5", 5000, "search"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rate_said said = read_headers(rows[i].headers, rows[i].status);
        int64_t frozen = said.frozen_until > 0 ? said.frozen_until - NOW : 0;
        if (!said.has_remaining || said.remaining != 0 || said.reset_at != NOW + 60000 ||
            frozen != rows[i].frozen_ms || !str_equal_text(said.resource, rows[i].resource)) {
            fail_msg("row %zu (%s): '%.*s', frozen %lld", i, rows[i].headers,
                     STR_ARG(said.resource), (long long)frozen);
        }
    }
}

static void test_rate_words__one_of_several_limits_without_a_name_binds_nobody(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {200, SPENT "a b", 0, NOTHING, 0},
        {200, SPENT "/", 0, NOTHING, 0},
        {200, SPENT "a{", 0, NOTHING, 0},
        {200, SPENT "a[", 0, NOTHING, 0},
        {200, SPENT "abcdefghijklmnopqrstuvwxyz0123456", 0, NOTHING, 0},
        {403, SPENT "a b", 60000, 0, 60000},
        {200, "x-ratelimit-remaining: 0\nx-ratelimit-bucket: ab12", 0, NOTHING, 0},
        {429, "retry-after: 2\nx-ratelimit-bucket: ab12", 2000, NOTHING, 0},
    };
    expect_rows(rows, COUNT_OF(rows));
}

static void test_rate_words__any_bytes_are_within_bounds(void **state)
{
    (void)state;
    static const char letters[] = "0123456789=;,\" .-rtFa:GMT\xff";
    struct random random = {.state = 11};
    size_t found = 0;
    for (int round = 0; round < 200000; round++) {
        char texts[RATE_WORDS][24];
        struct str words[RATE_WORDS];
        for (int i = 0; i < RATE_WORDS; i++) {
            uint32_t n = random_below(&random, sizeof(texts[i]));
            for (uint32_t k = 0; k < n; k++) {
                texts[i][k] = letters[random_below(&random, sizeof(letters) - 1)];
            }
            words[i] = str_make(texts[i], n);
        }
        struct rate_said said = rate_words_read(words, round % 2 == 0 ? 200 : 429, NOW);
        found += said.has_remaining ? 1 : 0;
        assert_true(said.reset_at == 0 ||
                    (said.reset_at > NOW && said.reset_at <= NOW + RETRY_AFTER_MAX_MS));
        assert_true(said.frozen_until == 0 ||
                    (said.frozen_until > NOW && said.frozen_until <= NOW + RETRY_AFTER_MAX_MS));
        assert_true(said.has_remaining || said.reset_at == 0);
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_words__a_refusal_says_until_when),
        cmocka_unit_test(test_rate_words__a_reset_is_a_time_or_a_wait),
        cmocka_unit_test(test_rate_words__remaining_is_a_number),
        cmocka_unit_test(test_rate_words__one_header_may_say_all),
        cmocka_unit_test(test_rate_words__one_of_several_limits_is_said_by_name),
        cmocka_unit_test(test_rate_words__one_of_several_limits_without_a_name_binds_nobody),
        cmocka_unit_test(test_rate_words__any_bytes_are_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
