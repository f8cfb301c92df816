/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/cgroup_home.h"
#include "core/host/cgroup_step.h"
#include "tests/unit/host/fake_cgroup.h"

static const struct cgroup_step_limits limits = {.memory_bytes = 512 << 20, .processes = 20};

static struct scratch_folder machine;
static struct cgroup_home home;

static int set_up(void **state)
{
    (void)state;
    fake_cgroup_make(&machine, "memory pids");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_true(home.is_open);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_cgroup_fail(NULL, 0);
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
    return 0;
}

static const char *in_step(const char *rest)
{
    static char name[128];
    (void)snprintf(name, sizeof name, "cg/svc/opstream-engine-%d/step-1%s", (int)getpid(), rest);
    return name;
}

static void assert_text(const char *rest, const char *expected)
{
    char *text = fake_cgroup_text(&machine, in_step(rest));
    assert_string_equal(text, expected);
    free(text);
}

static void assert_trouble(const char *expected)
{
    strbuf_append(&home.trouble, "", 0);
    assert_string_equal(home.trouble.p != NULL ? home.trouble.p : "", expected);
}

static void put(const char *rest, const char *text)
{
    fake_cgroup_put(&machine, in_step(rest), text);
}

static void test_cgroup_step__has_its_limits(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    assert_true(cgroup_step_is_there(&step));
    assert_true(step.fd >= 0);
    assert_text("/memory.max", "536870912");
    assert_text("/memory.swap.max", "0");
    assert_text("/memory.oom.group", "1");
    assert_text("/pids.max", "2304");
    assert_true(cgroup_step_remove(&step));
    assert_false(cgroup_step_is_there(&step));
    assert_false(fake_cgroup_has(&machine, in_step("")));
    assert_trouble("");
}

static void test_cgroup_step__leaves_alone_what_is_not_limited(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &(struct cgroup_step_limits){0});
    assert_text("/memory.max", "max\n");
    assert_text("/pids.max", "max\n");
    cgroup_step_finish(&step);
}

static void test_cgroup_step__does_without_a_group(void **state)
{
    (void)state;
    static const int errnums[] = {EBUSY, EROFS, ENOSPC, EAGAIN, ENOENT};
    for (size_t i = 0; i < sizeof errnums / sizeof errnums[0]; i++) {
        struct cgroup_step step;
        char expected[128];
        char end[16];
        (void)snprintf(end, sizeof end, "step-%zu", i + 1);
        fake_cgroup_fail(end, errnums[i]);
        strbuf_clear(&home.trouble);
        cgroup_step_init(&step, &home, &limits);
        assert_false(cgroup_step_is_there(&step));
        assert_int_equal(step.fd, -1);
        (void)snprintf(expected, sizeof expected, "cannot make a group for a step: %s",
                       strerror(errnums[i]));
        assert_trouble(expected);
        cgroup_step_kill(&step);
        assert_true(cgroup_step_remove(&step));
        cgroup_step_finish(&step);
    }
    struct cgroup_step none;
    cgroup_step_init(&none, NULL, &limits);
    assert_false(cgroup_step_is_there(&none));
}

static void test_cgroup_step__keeps_a_group_that_takes_no_limit(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int errnum;
        const char *trouble;
    } cases[] = {
        {"/memory.max", ENOENT, "cannot limit the memory of a group: No such file or directory"},
        {"/pids.max", EACCES, "cannot limit the processes of a group: Permission denied"},
        {"/memory.swap.max", ENOENT, ""}, /* it need not be there */
        {"/memory.oom.group", ENOENT, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cgroup_step step;
        strbuf_clear(&home.trouble);
        fake_cgroup_fail(cases[i].file, cases[i].errnum);
        cgroup_step_init(&step, &home, &limits);
        assert_true(cgroup_step_is_there(&step));
        assert_trouble(cases[i].trouble);
        fake_cgroup_fail(NULL, 0);
        cgroup_step_finish(&step);
    }
}

static void test_cgroup_step__tells_what_was_used(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    put("/memory.events", "low 0\nhigh 0\nmax 80\noom 2\noom_kill 3\noom_group_kill 1\n");
    put("/memory.peak", "536870912\n");
    put("/pids.events", "max 7\n");
    put("/cpu.stat", "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n");
    assert_int_equal(cgroup_step_cpu_us(&step), 2500000);
    assert_true(cgroup_step_remove(&step));
    assert_true(step.use.is_out_of_memory);
    assert_true(step.use.is_out_of_tasks);
    assert_int_equal(step.use.cpu_us, 2500000);
    assert_int_equal(step.use.max_memory_bytes, 536870912);
}

static void test_cgroup_step__believes_no_garbage(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "",
        "\n",
        "oom_kill",
        "oom_kill \nmax \n",
        "oom_kill x\nmax -1\n",
        "oom_kill9",
        "my_oom_kill 9\n",
        "oom_kill 99999999999999999999\nmax 0x9\n",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct cgroup_step step;
        char name[128];
        home.last_step = 0;
        cgroup_step_init(&step, &home, &limits);
        (void)snprintf(name, sizeof name, "%s", garbage[i]);
        put("/memory.events", name);
        put("/pids.events", name);
        put("/cpu.stat", name);
        put("/memory.peak", "peak\n");
        assert_true(cgroup_step_remove(&step));
        assert_false(step.use.is_out_of_memory);
        assert_false(step.use.is_out_of_tasks);
        assert_int_equal(step.use.cpu_us, 0);
        assert_int_equal(step.use.max_memory_bytes, 0);
    }
}

static void test_cgroup_step__counts_up_to_enough(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    assert_int_equal(cgroup_step_count(&step, 10), 0);
    put("/cgroup.procs", "5\n0\nx\n77\n12");
    assert_int_equal(cgroup_step_count(&step, 10), 4);
    assert_int_equal(cgroup_step_count(&step, 2), 2);
    cgroup_step_finish(&step);
}

static void test_cgroup_step__is_asked_again_while_something_lives(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    put("/cgroup.procs", "5\n");
    put("/cpu.stat", "usage_usec 10\n");
    assert_false(cgroup_step_remove(&step));
    put("/cpu.stat", "usage_usec 30\n");
    cgroup_step_kill(&step);
    assert_true(cgroup_step_remove(&step));
    assert_int_equal(step.use.cpu_us, 30);
}

static void test_cgroup_step__removes_what_a_step_made_in_it(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    fake_cgroup_make_group(&machine, in_step("/a"));
    fake_cgroup_make_group(&machine, in_step("/a/b"));
    assert_true(cgroup_step_remove(&step));
    assert_false(fake_cgroup_has(&machine, in_step("")));
}

static void test_cgroup_step__takes_a_group_that_has_vanished(void **state)
{
    (void)state;
    struct cgroup_step step;
    char *path = scratch_folder_path(&machine, in_step(""));
    cgroup_step_init(&step, &home, &limits);
    put("/cgroup.procs", "5\n");
    put("/cpu.stat", "usage_usec 10\n");
    assert_false(cgroup_step_remove(&step));
    put("/cgroup.procs", "");
    assert_int_equal(fake_cgroup_files.remove(path), 0);
    assert_int_equal(cgroup_step_count(&step, 10), 0);
    assert_int_equal(cgroup_step_cpu_us(&step), 0);
    cgroup_step_kill(&step);
    assert_true(cgroup_step_remove(&step));
    assert_int_equal(step.use.cpu_us, 10); /* what was known stays */
    assert_trouble("");
    free(path);
}

static void test_cgroup_step__leaves_to_the_home_what_stays(void **state)
{
    (void)state;
    struct cgroup_step step;
    cgroup_step_init(&step, &home, &limits);
    put("/cgroup.procs", "5\n");
    fake_cgroup_survive(1);
    cgroup_step_finish(&step);
    assert_false(cgroup_step_is_there(&step));
    assert_true(fake_cgroup_has(&machine, in_step("")));
    put("/cgroup.procs", "");
    cgroup_home_finish(&home);
    assert_false(fake_cgroup_has(&machine, in_step("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cgroup_step__has_its_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__leaves_alone_what_is_not_limited, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__does_without_a_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__keeps_a_group_that_takes_no_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__tells_what_was_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__believes_no_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__counts_up_to_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__is_asked_again_while_something_lives,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__removes_what_a_step_made_in_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__takes_a_group_that_has_vanished, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cgroup_step__leaves_to_the_home_what_stays, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("cgroup_step", tests, NULL, NULL);
}
