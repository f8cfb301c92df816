/* SPDX-License-Identifier: Apache-2.0 */

/* check() through the real host: what it is told, and whatever it does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/sdk/rig.h"

static struct rig rig;

static int open_rig(void **state)
{
    const char *folder = CHECKS_DIR;
    (void)state;
    rig_open(&rig,
             &(struct rig_options){.folders = &folder, .folder_count = 1, .cancel_grace_ms = 50});
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void start(uint64_t token, const char *type, const char *deed)
{
    static char settings[100];
    struct error err = {0};
    (void)snprintf(settings, sizeof settings, "{\"deed\":\"%s\",\"token\":\"t0p\"}", deed);
    rig.settings = settings;
    if (rig_start_check(&rig, token, type, "https://a.example:443", &err) != 0) {
        fail_msg("'%s' does not start: %s", type, err.message);
    }
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

static const char *const types[] = {"checks", "checks.blocking"};

static void test_checks__each_deed_has_one_end(void **state)
{
    static const struct {
        const char *deed;
        const char *end;
    } rows[] = {
        {"good", "done {}"},
        {"bad", "failed {\"code\":\"UNAVAILABLE\",\"message\":\"nobody is there\""},
        {"null", "failed {\"code\":\"INTERNAL\""},
        {"twice", "done {}"},
        {"stale", "done {}"},
        {"port", "failed {\"code\":\"UNAVAILABLE\""},
        {"items", "done {}"},
        {"log", "done {}"},
        {"late", "done {}"},
        {"no such", "failed {\"code\":\"CONFIG\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            uint64_t token = 2 * i + k;
            start(token, types[k], rows[i].deed);
            const char *end = rig_wait(&rig, token);
            if (strncmp(end, rows[i].end, strlen(rows[i].end)) != 0) {
                fail_msg("%s of %s: '%s'", rows[i].deed, types[k], end);
            }
        }
    }
    rig_turn(&rig, 50);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rig.tasks[i].ends, 1);
        assert_false(rig.tasks[i].is_given_up);
    }
    assert_has(rig_log(&rig), "a plugin ended a task that is over; ignored");
}

static void test_checks__it_is_told_the_origin_and_no_run(void **state)
{
    (void)state;
    start(1, "checks", "told");
    assert_has(rig_wait(&rig, 1),
               "origin 'https://a.example:443' type checks run 0 node 0 key 0 by 1");
}

static void test_checks__a_node_of_the_same_settings_is_the_same(void **state)
{
    (void)state;
    start(1, "checks", "good");
    assert_string_equal(rig_wait(&rig, 1), "done {}");
    assert_string_equal(rig_run(&rig, 2, "checks", "{}"), "done {}");
    assert_string_equal(rig_run(&rig, 3, "checks.none", "{}"), "done {}");
}

static void test_checks__who_is_cancelled_may_end(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 2; k++) {
        start(k, types[k], "politely");
        rig_wait_log(&rig, k);
        host_task_cancel(rig.host, rig.tasks[k].handle, HOST_CANCEL_TIMEOUT);
        assert_has(rig_wait(&rig, k), "I was told to stop");
        assert_false(rig.tasks[k].is_given_up);
    }
}

static void test_checks__who_does_not_end_is_given_up(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 2; k++) {
        start(k, types[k], "never");
        rig_wait_log(&rig, k);
        host_task_cancel(rig.host, rig.tasks[k].handle, HOST_CANCEL_TIMEOUT);
        assert_has(rig_wait(&rig, k), "failed {\"code\":\"TIMEOUT\"");
        assert_true(rig.tasks[k].is_given_up);
        assert_int_equal(rig.tasks[k].ends, 1);
    }
}

static void test_checks__who_waits_behind_another_has_not_begun(void **state)
{
    (void)state;
    start(1, "checks.serial", "hold");
    start(2, "checks.serial", "hold");
    rig_wait_log(&rig, 1);
    assert_true(host_task_has_begun(rig.host, rig.tasks[1].handle));
    host_task_cancel(rig.host, rig.tasks[2].handle, HOST_CANCEL_TIMEOUT);
    assert_false(host_task_has_begun(rig.host, rig.tasks[2].handle));
    assert_has(rig_wait(&rig, 2), "failed {\"code\":\"TIMEOUT\"");
    assert_false(rig.tasks[2].is_given_up);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_TIMEOUT);
    assert_true(host_task_has_begun(rig.host, rig.tasks[1].handle));
    assert_has(rig_wait(&rig, 1), "I was told to stop");
    assert_false(host_task_has_begun(rig.host, rig.tasks[1].handle));
}

static void test_checks__what_has_none_is_refused(void **state)
{
    struct error err = {0};
    (void)state;
    rig.settings = "{}";
    assert_int_equal(rig_start_check(&rig, 1, "checks.none", "", &err), E_INVALID);
    assert_string_equal(err.message, "'checks.none' has no check()");
    rig.settings = "{\"deed\":\"refuse\"}";
    assert_int_equal(rig_start_check(&rig, 1, "checks", "", &err), E_INVALID);
    assert_has(err.message,
               "does not take its settings (integrations.checks): the settings make no sense");
    rig.settings = "{\"need\":1}";
    assert_int_equal(rig_start_check(&rig, 1, "checks", "", &err), E_INVALID);
    assert_has(err.message, "the settings of plugin 'checks' are not valid");
    rig_turn(&rig, 5);
    assert_int_equal(rig.tasks[1].ends, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_checks__each_deed_has_one_end, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(test_checks__it_is_told_the_origin_and_no_run, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(test_checks__a_node_of_the_same_settings_is_the_same,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(test_checks__who_is_cancelled_may_end, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(test_checks__who_does_not_end_is_given_up, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(test_checks__who_waits_behind_another_has_not_begun,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(test_checks__what_has_none_is_refused, open_rig, close_rig),
    };
    return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
