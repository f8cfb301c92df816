/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/policy/cron.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void test_cron_text__fields_as_bits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct cron cron;
    } rows[] = {
        {"0 0 1 1 0", {1, 1, 2, 2, 1, true}},
        {"1,3,5 0 1 1 0", {0x2a, 1, 2, 2, 1, true}},
        {"1-3,5-7/2 0 1 1 0", {0xae, 1, 2, 2, 1, true}},
        {"*/20 0 1 1 0", {UINT64_C(1) | 1 << 20 | UINT64_C(1) << 40, 1, 2, 2, 1, true}},
        {"50/4 0 1 1 0",
         {UINT64_C(1) << 50 | UINT64_C(1) << 54 | UINT64_C(1) << 58, 1, 2, 2, 1, true}},
        {"59 23 31 12 6", {UINT64_C(1) << 59, 1 << 23, UINT32_C(1) << 31, 1 << 12, 1 << 6, true}},
        {"0 0 1 1 7", {1, 1, 2, 2, 1, true}},
        {"0 0 1 1 0-0", {1, 1, 2, 2, 1, true}},
        {"0 0 1 1 5-7", {1, 1, 2, 2, 0x61, true}},
        {"0 0 1 1 0-7", {1, 1, 2, 2, 0x7f, true}},
        {"0 0 1 1 sat-sun", {1, 1, 2, 2, 0x41, true}},
        {"0 0 1 1 Mon-FRI", {1, 1, 2, 2, 0x3e, true}},
        {"0 0 1 1 5/2", {1, 1, 2, 2, 0x20, true}}, /* ends on Saturday */
        {"0 0 1 jan,DEC 0", {1, 1, 2, 0x1002, 1, true}},
        {"0 0 1 feb-apr 0", {1, 1, 2, 0x1c, 1, true}},
        {"0 0 * 1 0", {1, 1, 0xfffffffe, 2, 1, false}},
        {"0 0 1 1 *", {1, 1, 2, 2, 0x7f, false}},
        {"0 0 */10 1 0", {1, 1, 2 | 1 << 11 | 1 << 21 | UINT32_C(1) << 31, 2, 1, false}},
        {"* * * * *", {UINT64_C(0xfffffffffffffff), 0xffffff, 0xfffffffe, 0x1ffe, 0x7f, false}},
        {"  0\t0   1 1 0  ", {1, 1, 2, 2, 1, true}},
        {"000 00 01 01 00", {1, 1, 2, 2, 1, true}},
        {"@hourly", {1, 0xffffff, 0xfffffffe, 0x1ffe, 0x7f, false}},
        {" @weekly ", {1, 1, 0xfffffffe, 0x1ffe, 1, false}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cron cron;
        struct error err = {0};
        if (cron_parse(str_from(rows[i].text), &cron, &err) != 0) {
            fail_msg("'%s': %s", rows[i].text, err.message);
        }
        assert_int_equal(cron.minutes, rows[i].cron.minutes);
        assert_int_equal(cron.hours, rows[i].cron.hours);
        assert_int_equal(cron.days, rows[i].cron.days);
        assert_int_equal(cron.months, rows[i].cron.months);
        assert_int_equal(cron.weekdays, rows[i].cron.weekdays);
        assert_int_equal(cron.needs_one_day, rows[i].cron.needs_one_day);
    }
}

static void test_cron_text__what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"", "'' has 0 fields: a schedule has five"},
        {"0 0 * *", "has 4 fields"},
        {"0 0 0 * * *", "has 6 fields: a schedule has five: minute, hour, day"},
        {"60 * * * *", "'60' is no minute: it takes 0 to 59, '*'"},
        {"-1 * * * *", "'-1' is no minute"},
        {"1- * * * *", "'1-' is no minute"},
        {"1-60 * * * *", "'1-60' is no minute"},
        {"1-2-3 * * * *", "'1-2-3' is no minute"},
        {", * * * *", "'' is no minute"},
        {"1, * * * *", "'' is no minute"},
        {"1,,2 * * * *", "'' is no minute"},
        {"1.5 * * * *", "'1.5' is no minute"},
        {"99999999999 * * * *", "is no minute"},
        {"mon * * * *", "'mon' is no minute"},
        {"/5 * * * *", "'' is no minute"},
        {"** * * * *", "'**' is no minute"},
        {"*-5 * * * *", "'*-5' is no minute"},
        {"? * * * *", "'?' is no minute"},
        {"* 24 * * *", "'24' is no hour: it takes 0 to 23"},
        {"* * 0 * *", "'0' is no day of the month: it takes 1 to 31"},
        {"* * 32 * *", "'32' is no day of the month"},
        {"* * L * *", "'L' is no day of the month"},
        {"* * * 0 *", "'0' is no month: it takes 1 to 12, names like"},
        {"* * * 13 *", "'13' is no month"},
        {"* * * jun-may *", "'jun-may' goes backward: write it as two, '6-12,1-5'"},
        {"* * * june *", "'june' is no month"},
        {"* * * ju *", "'ju' is no month"},
        {"* * * * 8", "'8' is no day of the week: it takes 0 to 7"},
        {"* * * * 5#2", "'5#2' is no day of the week"},
        {"* * * * fri-mon", "'fri-mon' goes backward: write it as two, '5-6,0-1'"},
        {"30-10 * * * *", "'30-10' goes backward: write it as two, '30-59,0-10'"},
        {"*/0 * * * *", "the step of '*/0' (minute) must be 1 to 59"},
        {"*/60 * * * *", "the step of '*/60' (minute) must be 1 to 59"},
        {"*/-5 * * * *", "the step of '*/-5' (minute) must be"},
        {"*/ * * * *", "the step of '*/' (minute) must be"},
        {"*/5/5 * * * *", "the step of '*/5/5' (minute) must be"},
        {"*/x * * * *", "the step of '*/x' (minute) must be"},
        {"* */24 * * *", "the step of '*/24' (hour) must be 1 to 23"},
        {"@reboot", "'@reboot' is not known: there are @hourly, @daily"},
        {"@every 5m", "'@every 5m' is not known"},
        {"@", "'@' is not known"},
        {"@Hourly", "'@Hourly' is not known"},
        {"0 0 30 2 *", "'0 0 30 2 *' never comes: none of its months has such a day"},
        {"0 0 31 2,4,6,9,11 *", "never comes"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cron cron = {.minutes = 77};
        struct error err = {0};
        assert_int_equal(cron_parse(str_from(rows[i].text), &cron, &err), E_INVALID);
        if (strstr(err.message, rows[i].message) == NULL) {
            fail_msg("'%s': %s", rows[i].text, err.message);
        }
        assert_int_equal(cron.minutes, 77);
    }
    struct cron cron;
    assert_int_equal(cron_parse(STR("x"), &cron, NULL), E_INVALID);
    char text[5000];
    memset(text, '1', sizeof text);
    assert_int_equal(cron_parse(str_make(text, sizeof text), &cron, NULL), E_INVALID);
    memcpy(text + sizeof text - 8, " * * * *", 8);
    assert_int_equal(cron_parse(str_make(text, sizeof text), &cron, NULL), E_INVALID);
    assert_int_equal(cron_parse((struct str){NULL, 0}, &cron, NULL), E_INVALID);
}

/* Whatever is written: it is refused, or it comes. */
static void test_cron_text__any_text_is_refused_or_comes(void **state)
{
    (void)state;
    static const char *const parts[] = {"*", "*/", "/2",  "-",   ",", "1",   "2",    "29",
                                        "3", "30", "mon", "Feb", "7", "3-5", "1,31", "@daily"};
    struct random random = {.state = 9};
    int good = 0;
    for (int i = 0; i < 100000; i++) {
        struct strbuf text = STRBUF_INIT;
        for (int word = 0; word < 5; word++) {
            strbuf_append_text(&text, word > 0 ? " " : "");
            for (uint32_t more = 1 + random_percent(&random, 40); more > 0; more--) {
                strbuf_append_text(&text, parts[random_below(&random, COUNT_OF(parts))]);
            }
        }
        struct cron cron;
        if (cron_parse(strbuf_str(&text), &cron, NULL) == 0) {
            int64_t next = cron_next(&cron, (struct cron_zone){NULL, NULL}, 1700000000000);
            assert_true(next > 1700000000000 && next < CRON_NEVER);
            good++;
        }
        strbuf_finish(&text);
    }
    assert_in_range(good, 100, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron_text__fields_as_bits),
        cmocka_unit_test(test_cron_text__what_is_wrong_is_said),
        cmocka_unit_test(test_cron_text__any_text_is_refused_or_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
