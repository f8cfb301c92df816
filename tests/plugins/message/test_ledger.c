/* SPDX-License-Identifier: Apache-2.0 */
#include "message/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE ((int64_t)60000)
#define HOUR   (60 * MINUTE)

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void join(void *user, const struct ledger_held *held)
{
    (void)strncat(user, held->text, 255 - strlen(user));
    (void)strncat(user, ";", 255 - strlen(user));
}

/* A ledger that is written and read again after each step. */
struct book {
    struct ledger ledger;
    struct ledger_rules rules;
    int64_t until_ms;
    char taken[256];
};

static void reread(struct book *book)
{
    struct text bytes = {NULL, 0, 0, 0};
    ledger_write(&book->ledger, &bytes);
    assert_true(ledger_read(text_str(&bytes), &book->ledger));
    text_finish(&bytes);
}

static enum ledger_verdict ask_as(struct book *book, struct ledger_message message, const char *key,
                                  int64_t at_ms)
{
    message.key = str(key);
    message.text = str(key);
    message.severity = str("info");
    message.now_ms = at_ms;
    message.minute = (int)(at_ms / MINUTE % (24 * 60));
    enum ledger_verdict verdict =
        ledger_ask(&book->ledger, &book->rules, &message, &book->until_ms);
    reread(book);
    return verdict;
}

static enum ledger_verdict ask(struct book *book, const char *key, int64_t at_ms)
{
    return ask_as(book, (struct ledger_message){.is_digest = 0}, key, at_ms);
}

static const char *taken(struct book *book, const char *key)
{
    book->taken[0] = '\0';
    (void)ledger_taken(&book->ledger, str(key), join, book->taken);
    return book->taken;
}

static void confirm(struct book *book, const char *key)
{
    ledger_confirm(&book->ledger, str(key), 1);
    reread(book);
}

static struct book *make(const char *hours, const char *frequency)
{
    struct book *book = calloc(1, sizeof *book);
    assert_non_null(book);
    book->rules.has_digest = 1;
    assert_null(ledger_read_quiet(str(hours), &book->rules));
    assert_null(ledger_read_frequency(str(frequency), &book->rules));
    return book;
}

static void test_ledger__reads_rules(void **state)
{
    (void)state;
    static const char *const bad_hours[] = {
        "22-08", "22:00-24:00", "22:60-08:00", "2:00-08:00", "22:00_08:00", "22:00-22:00", "x"};
    static const char *const bad_rates[] = {"1",        "0/hour",   "1/week", "/hour",
                                            "256/hour", "1 / hour", "-1/hour"};
    struct ledger_rules rules = {0};
    assert_null(ledger_read_quiet(str("22:00-08:30"), &rules));
    assert_int_equal(rules.quiet_from, 22 * 60);
    assert_int_equal(rules.quiet_until, 8 * 60 + 30);
    assert_null(ledger_read_frequency(str("3/minute"), &rules));
    assert_int_equal(rules.most, 3);
    assert_int_equal(rules.per_ms, MINUTE);
    for (size_t i = 0; i < sizeof bad_hours / sizeof bad_hours[0]; i++) {
        assert_non_null(ledger_read_quiet(str(bad_hours[i]), &rules));
    }
    for (size_t i = 0; i < sizeof bad_rates / sizeof bad_rates[0]; i++) {
        assert_non_null(ledger_read_frequency(str(bad_rates[i]), &rules));
    }
}

static void test_ledger__holds_back_in_quiet_hours(void **state)
{
    (void)state;
    static const struct {
        const char *hours;
        int64_t at_ms;
        int is_quiet;
        int64_t until_ms;
    } rows[] = {
        {"22:00-08:00", 21 * HOUR + 59 * MINUTE, 0, 0},
        {"22:00-08:00", 22 * HOUR, 1, 32 * HOUR},
        {"22:00-08:00", 3 * HOUR + 1234, 1, 8 * HOUR},
        {"22:00-08:00", 8 * HOUR, 0, 0},
        {"12:00-13:00", 12 * HOUR + 30 * MINUTE, 1, 13 * HOUR},
        {"12:00-13:00", 11 * HOUR, 0, 0},
        {"12:00-13:00", 13 * HOUR, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct book *book = make(rows[i].hours, "");
        assert_int_equal(ask(book, "a", rows[i].at_ms),
                         rows[i].is_quiet ? LEDGER_QUIET : LEDGER_PASS);
        assert_int_equal(book->until_ms, rows[i].until_ms);
        free(book);
    }
}

static void test_ledger__gives_what_was_held_back_to_the_next(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "");
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET); /* the same step again */
    assert_int_equal(ask(book, "b", 25 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask(book, "c", 33 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "c"), "a;b;");
    assert_int_equal(ask(book, "d", 33 * HOUR), LEDGER_PASS); /* meanwhile */
    assert_string_equal(taken(book, "d"), "");
    confirm(book, "d");
    assert_string_equal(taken(book, "c"), "a;b;");
    confirm(book, "c");
    assert_int_equal(ask(book, "e", 34 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "e"), "");
    free(book);
}

static void test_ledger__bounds_the_frequency(void **state)
{
    (void)state;
    struct book *book = make("", "2/hour");
    assert_int_equal(ask(book, "a", 0), LEDGER_PASS);
    confirm(book, "a");
    assert_int_equal(ask(book, "b", 10 * MINUTE), LEDGER_PASS);
    confirm(book, "b");
    assert_int_equal(ask(book, "c", 20 * MINUTE), LEDGER_FREQUENT);
    assert_int_equal(book->until_ms, HOUR);
    assert_int_equal(ask(book, "d", HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "d"), "c;");
    confirm(book, "d");
    assert_int_equal(ask(book, "e", HOUR + MINUTE), LEDGER_FREQUENT);
    assert_int_equal(book->until_ms, HOUR + 10 * MINUTE);
    free(book);
}

static void test_ledger__frees_what_did_not_go_out(void **state)
{
    (void)state;
    struct book *book = make("", "1/hour");
    assert_int_equal(ask(book, "a", 0), LEDGER_PASS);
    assert_int_equal(ask(book, "a", MINUTE), LEDGER_PASS); /* it tries again */
    assert_int_equal(ask(book, "b", 2 * MINUTE), LEDGER_FREQUENT);
    assert_int_equal(book->until_ms, MINUTE + LEDGER_BEGUN_MS);
    assert_int_equal(ask(book, "c", MINUTE + LEDGER_BEGUN_MS), LEDGER_PASS);
    assert_string_equal(taken(book, "c"), "b;");
    assert_int_equal(ask(book, "d", 20 * MINUTE), LEDGER_PASS); /* c did not go out either */
    assert_string_equal(taken(book, "d"), "b;");
    confirm(book, "d");
    assert_int_equal(ask(book, "d", 21 * MINUTE), LEDGER_PASS); /* it is known to have passed */
    assert_string_equal(taken(book, "d"), "");
    free(book);
}

static void test_ledger__takes_back_what_was_withdrawn(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "1/hour");
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask(book, "b", 33 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "b"), "a;");
    ledger_withdraw(&book->ledger, str("b"));
    ledger_withdraw(&book->ledger, str("none"));
    reread(book);
    assert_string_equal(taken(book, "b"), "");
    assert_int_equal(ask(book, "c", 33 * HOUR), LEDGER_PASS); /* at once, with what "b" had */
    assert_string_equal(taken(book, "c"), "a;");
    confirm(book, "c");
    ledger_withdraw(&book->ledger, str("c")); /* it went out: it counts */
    assert_int_equal(ask(book, "d", 33 * HOUR + MINUTE), LEDGER_FREQUENT);
    free(book);
}

static void test_ledger__keeps_a_digest_that_had_no_room(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "");
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask(book, "b", 33 * HOUR), LEDGER_PASS);
    ledger_confirm(&book->ledger, str("b"), 0);
    assert_int_equal(ask(book, "c", 33 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "c"), "a;");
    free(book);
}

static void test_ledger__sends_digests_alone(void **state)
{
    (void)state;
    const struct ledger_message digest = {.is_digest = 1};
    const struct ledger_message forced = {.is_digest = 1, .is_forced = 1};
    struct book *book = make("22:00-08:00", "");
    assert_int_equal(ask_as(book, digest, "x", 23 * HOUR), LEDGER_EMPTY);
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask_as(book, digest, "x", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(book->ledger.n_held, 1);
    assert_int_equal(ask_as(book, forced, "x", 23 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "x"), "a;");
    confirm(book, "x");
    assert_int_equal(ask_as(book, digest, "y", 33 * HOUR), LEDGER_EMPTY);
    free(book);
}

static void test_ledger__drops_where_no_digest_is_wanted(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "");
    book->rules.has_digest = 0;
    assert_int_equal(ask(book, "a", 23 * HOUR), LEDGER_QUIET);
    assert_int_equal(ask(book, "b", 33 * HOUR), LEDGER_PASS);
    assert_string_equal(taken(book, "b"), "");
    free(book);
}

static void test_ledger__counts_what_is_too_many(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "");
    for (int i = 0; i < LEDGER_HELD + 7; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(ask(book, key, 23 * HOUR), LEDGER_QUIET);
    }
    assert_int_equal(book->ledger.n_held, LEDGER_HELD);
    assert_int_equal(book->ledger.dropped, 7);
    assert_int_equal(ask(book, "x", 33 * HOUR), LEDGER_PASS);
    confirm(book, "x");
    assert_int_equal(book->ledger.n_held + book->ledger.dropped, 0);
    free(book);
}

static void test_ledger__reads_nothing_that_is_none(void **state)
{
    (void)state;
    static const char *const rows[] = {"x",
                                       "next\t1",
                                       "next\tx\t0",
                                       "sent\t1\t2",
                                       "held\t1\t2\ta\tb",
                                       "\n",
                                       "sent\t1\t2\tk\nx",
                                       "next\t9999999999999999999999\t0"};
    struct ledger *ledger = calloc(1, sizeof *ledger);
    assert_non_null(ledger);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(ledger_read(str(rows[i]), ledger));
    }
    assert_true(ledger_read(str(""), ledger));
    free(ledger);
}

static void test_ledger__keeps_one_line_of_a_text(void **state)
{
    (void)state;
    struct book *book = make("22:00-08:00", "");
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "a\tb\nc", 5);
    struct ledger_message message = {
        .key = str("k"), .severity = str("in\nfo"), .text = str(text), .now_ms = 0, .minute = 0};
    assert_int_equal(ledger_ask(&book->ledger, &book->rules, &message, &book->until_ms),
                     LEDGER_QUIET);
    reread(book);
    assert_int_equal(book->ledger.n_held, 1);
    assert_memory_equal(book->ledger.held[0].text, "a b cx", 6);
    assert_in_range(strlen(book->ledger.held[0].text), LEDGER_TEXT_BYTES, LEDGER_TEXT_BYTES + 3);
    free(book);
}

/* However many ask and whichever fail: never more in an hour than the rule says, and none is lost.
 */
static void test_ledger__keeps_its_promises_whatever_happens(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        struct book *book = make("", "3/hour");
        int64_t sent[512];
        size_t n_sent = 0;
        size_t in_digests = 0;
        size_t n_held = 0;
        int64_t now = 0;
        for (int i = 0; i < 150; i++) {
            char key[16];
            seed = seed * 1664525u + 1013904223u;
            now += (int64_t)(seed >> 12) % (20 * MINUTE);
            (void)snprintf(key, sizeof key, "k%d", i);
            if (ask(book, key, now) != LEDGER_PASS) {
                n_held++;
                continue;
            }
            if ((seed >> 9) % 4 == 0) {
                continue; /* it fails */
            }
            for (const char *c = taken(book, key); *c != '\0'; c++) {
                in_digests += *c == ';';
            }
            confirm(book, key);
            sent[n_sent++] = now;
            assert_true(n_sent < 4 || sent[n_sent - 1] - sent[n_sent - 4] >= HOUR);
        }
        assert_int_equal(in_digests + book->ledger.n_held, n_held);
        free(book);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger__reads_rules),
        cmocka_unit_test(test_ledger__holds_back_in_quiet_hours),
        cmocka_unit_test(test_ledger__gives_what_was_held_back_to_the_next),
        cmocka_unit_test(test_ledger__bounds_the_frequency),
        cmocka_unit_test(test_ledger__frees_what_did_not_go_out),
        cmocka_unit_test(test_ledger__takes_back_what_was_withdrawn),
        cmocka_unit_test(test_ledger__keeps_a_digest_that_had_no_room),
        cmocka_unit_test(test_ledger__sends_digests_alone),
        cmocka_unit_test(test_ledger__drops_where_no_digest_is_wanted),
        cmocka_unit_test(test_ledger__counts_what_is_too_many),
        cmocka_unit_test(test_ledger__reads_nothing_that_is_none),
        cmocka_unit_test(test_ledger__keeps_one_line_of_a_text),
        cmocka_unit_test(test_ledger__keeps_its_promises_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
