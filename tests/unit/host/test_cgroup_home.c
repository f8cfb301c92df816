/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/cgroup_home.h"
#include "tests/unit/host/fake_cgroup.h"

/* "cg/svc/opstream-engine-<our pid><rest>", in a buffer that the next call overwrites. */
static const char *ours(const char *rest)
{
    static char name[128];
    (void)snprintf(name, sizeof name, "cg/svc/opstream-engine-%d%s", (int)getpid(), rest);
    return name;
}

static void assert_text(const struct scratch_folder *machine, const char *name,
                        const char *expected)
{
    char *text = fake_cgroup_text(machine, name);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_trouble(struct cgroup_home *home, const char *expected)
{
    strbuf_append(&home->trouble, "", 0);
    assert_string_equal(home->trouble.p != NULL ? home->trouble.p : "", expected);
}

static void test_cgroup_home__moves_an_engine_that_is_alone(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    char pid[16];
    fake_cgroup_make(&machine, "memory pids");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_true(home.is_open);
    assert_int_equal(home.controllers, CGROUP_ALL);
    assert_trouble(&home, "");
    (void)snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    assert_text(&machine, "cg/svc/cgroup.procs", "");
    assert_text(&machine, "cg/svc/cgroup.subtree_control", "memory pids");
    assert_text(&machine, ours("/engine/cgroup.procs"), pid);
    assert_text(&machine, ours("/cgroup.subtree_control"), "memory pids");
    cgroup_home_finish(&home);
    assert_text(&machine, "cg/svc/cgroup.procs", pid); /* all is as it was */
    assert_text(&machine, "cg/svc/cgroup.subtree_control", "");
    assert_false(fake_cgroup_has(&machine, ours("")));
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__stays_where_others_use_what_it_gave(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    fake_cgroup_make(&machine, "memory pids");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    fake_cgroup_make_group(&machine, "cg/svc/other");
    fake_cgroup_put(&machine, "cg/svc/other/cgroup.subtree_control", "memory");
    cgroup_home_finish(&home);
    assert_text(&machine, "cg/svc/cgroup.procs", "");
    assert_true(fake_cgroup_has(&machine, ours("/engine"))); /* we are in it */
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__takes_its_children_along(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    char text[64];
    fake_cgroup_make(&machine, "memory");
    (void)snprintf(text, sizeof text, "%d\n700\n800\n", (int)getpid());
    fake_cgroup_put(&machine, "cg/svc/cgroup.procs", text);
    (void)snprintf(text, sizeof text, "700 (a) b) S %d 1 1", (int)getpid());
    fake_cgroup_put(&machine, "proc/700/stat", text);
    fake_cgroup_put(&machine, "proc/800/stat", "800 (x) S 700 1 1");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    (void)snprintf(text, sizeof text, "%d\n700\n800\n", (int)getpid());
    assert_text(&machine, ours("/engine/cgroup.procs"), text);
    assert_int_equal(home.controllers, CGROUP_MEMORY);
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__never_moves_others(void **state)
{
    (void)state;
    static const char *const others[] = {"900\n", "0\n"}; /* 0: from another namespace */
    for (size_t i = 0; i < 2; i++) {
        struct scratch_folder machine;
        struct cgroup_home home;
        char text[64];
        fake_cgroup_make(&machine, "memory pids");
        (void)snprintf(text, sizeof text, "%d\n%s", (int)getpid(), others[i]);
        fake_cgroup_put(&machine, "cg/svc/cgroup.procs", text);
        fake_cgroup_put(&machine, "proc/900/stat", "900 (sshd) S 1 1 1");
        cgroup_home_init(&home, &fake_cgroup_files, machine.path);
        assert_true(home.is_open);
        assert_int_equal(home.controllers, 0);
        assert_trouble(&home, "");
        assert_text(&machine, "cg/svc/cgroup.procs", text);
        assert_false(fake_cgroup_has(&machine, ours("/engine")));
        cgroup_home_finish(&home);
        assert_false(fake_cgroup_has(&machine, ours("")));
        fake_cgroup_remove(&machine);
    }
}

static void test_cgroup_home__stays_in_the_first_of_all_groups(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    char name[64];
    fake_cgroup_make(&machine, "memory pids");
    fake_cgroup_put(&machine, "proc/self/cgroup", "0::/\n");
    fake_cgroup_put(&machine, "cg/cgroup.controllers", "memory pids");
    fake_cgroup_put(&machine, "cg/cgroup.procs", "1\n2\n");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_int_equal(home.controllers, CGROUP_ALL);
    (void)snprintf(name, sizeof name, "cg/opstream-engine-%d", (int)getpid());
    assert_true(fake_cgroup_has(&machine, name));
    cgroup_home_finish(&home);
    assert_false(fake_cgroup_has(&machine, name));
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__uses_what_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *controllers;
        const char *failing;
        int errnum;
        unsigned expected;
        const char *trouble;
    } cases[] = {
        {"pids", NULL, 0, CGROUP_PIDS, ""},
        {"", NULL, 0, 0, ""},
        {"memory pids", "svc/cgroup.subtree_control", EBUSY, 0,
         "cannot give a controller to the groups of steps: Device or resource busy"},
        {"memory pids", "engine/cgroup.procs", EACCES, 0,
         "cannot move the engine to a group of its own: Permission denied"},
        {"memory pids", "/engine", ENOSPC, 0,
         "cannot move the engine to a group of its own: No space left on device"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scratch_folder machine;
        struct cgroup_home home;
        fake_cgroup_make(&machine, cases[i].controllers);
        fake_cgroup_fail(cases[i].failing, cases[i].errnum);
        cgroup_home_init(&home, &fake_cgroup_files, machine.path);
        assert_true(home.is_open);
        assert_int_equal(home.controllers, cases[i].expected);
        assert_trouble(&home, cases[i].trouble);
        cgroup_home_finish(&home);
        fake_cgroup_remove(&machine);
    }
}

static void test_cgroup_home__is_closed_where_no_group_can_be_made(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    char end[64];
    fake_cgroup_make(&machine, "memory pids");
    (void)snprintf(end, sizeof end, "opstream-engine-%d", (int)getpid());
    fake_cgroup_fail(end, EROFS);
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_false(home.is_open);
    assert_trouble(&home, "cannot make a group for the engine: Read-only file system");
    cgroup_home_finish(&home);
    fake_cgroup_put(&machine, "proc/self/cgroup", "4:memory:/\n");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_false(home.is_open);
    assert_trouble(&home, "");
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
}

static void make_dead(const struct scratch_folder *machine)
{
    fake_cgroup_make_group(machine, "cg/svc/opstream-engine-1");
    fake_cgroup_make_group(machine, "cg/svc/opstream-engine-1/engine");
    fake_cgroup_make_group(machine, "cg/svc/opstream-engine-1/step-9");
    fake_cgroup_make_group(machine, "cg/svc/opstream-engine-1/step-9/inner");
    fake_cgroup_put(machine, "cg/svc/opstream-engine-1/step-9/cgroup.procs", "901\n");
}

static void test_cgroup_home__ends_what_dead_engines_left(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    fake_cgroup_make(&machine, "memory pids");
    make_dead(&machine);
    fake_cgroup_make_group(&machine, "cg/svc/opstream-engine-x");
    fake_cgroup_survive(1);
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_true(fake_cgroup_has(&machine, "cg/svc/opstream-engine-1/step-9"));
    assert_false(fake_cgroup_has(&machine, "cg/svc/opstream-engine-1/engine"));
    assert_true(home.is_open);
    assert_int_equal(cgroup_home_sweep(&fake_cgroup_files, machine.path), 1);
    assert_false(fake_cgroup_has(&machine, "cg/svc/opstream-engine-1"));
    assert_true(fake_cgroup_has(&machine, "cg/svc/opstream-engine-x"));
    assert_true(fake_cgroup_has(&machine, ours(""))); /* it lives */
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__leaves_what_works_for_others(void **state)
{
    (void)state;
    struct scratch_folder machine;
    fake_cgroup_make(&machine, "");
    make_dead(&machine);
    fake_cgroup_put(&machine, "cg/svc/opstream-engine-1/engine/cgroup.procs", "77\n");
    assert_int_equal(cgroup_home_sweep(&fake_cgroup_files, machine.path), 0);
    assert_text(&machine, "cg/svc/opstream-engine-1/engine/cgroup.procs", "77\n");
    assert_false(fake_cgroup_has(&machine, "cg/svc/opstream-engine-1/step-9"));
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__finds_a_name_that_is_free(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    fake_cgroup_make(&machine, "memory");
    fake_cgroup_make_group(&machine, ours(""));
    fake_cgroup_make_group(&machine, ours("/engine"));
    fake_cgroup_put(&machine, ours("/engine/cgroup.procs"), "77\n");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_true(home.is_open);
    assert_true(fake_cgroup_has(&machine, ours("01")));
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__stands_beside_the_engine_that_it_is_in(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    fake_cgroup_make(&machine, "memory pids");
    fake_cgroup_put(&machine, "cg/svc/cgroup.procs", "");
    fake_cgroup_put(&machine, "cg/svc/cgroup.subtree_control", "memory");
    fake_cgroup_make_group(&machine, "cg/svc/opstream-engine-1");
    fake_cgroup_put(&machine, "proc/self/cgroup", "0::/svc/opstream-engine-1/engine\n");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_true(home.is_open);
    assert_int_equal(home.controllers, CGROUP_ALL);
    assert_true(fake_cgroup_has(&machine, ours("")));
    assert_false(fake_cgroup_has(&machine, ours("/engine")));
    cgroup_home_finish(&home);
    fake_cgroup_remove(&machine);
}

static void test_cgroup_home__leaves_a_step_only_when_asked(void **state)
{
    (void)state;
    struct scratch_folder machine;
    struct cgroup_home home;
    fake_cgroup_make(&machine, "memory pids");
    assert_false(cgroup_home_leave_step(&fake_cgroup_files, machine.path));
    fake_cgroup_make_group(&machine, "cg/svc/opstream-engine-1");
    fake_cgroup_put(&machine, "proc/self/cgroup", "0::/svc/opstream-engine-1/step-4\n");
    cgroup_home_init(&home, &fake_cgroup_files, machine.path);
    assert_false(home.is_open); /* its engine limits it */
    cgroup_home_finish(&home);
    assert_false(fake_cgroup_has(&machine, ours("")));
    assert_true(cgroup_home_leave_step(&fake_cgroup_files, machine.path));
    assert_text(&machine, ours("/engine/cgroup.procs"), "0\n");
    fake_cgroup_remove(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup_home__moves_an_engine_that_is_alone),
        cmocka_unit_test(test_cgroup_home__stays_where_others_use_what_it_gave),
        cmocka_unit_test(test_cgroup_home__takes_its_children_along),
        cmocka_unit_test(test_cgroup_home__never_moves_others),
        cmocka_unit_test(test_cgroup_home__stays_in_the_first_of_all_groups),
        cmocka_unit_test(test_cgroup_home__uses_what_there_is),
        cmocka_unit_test(test_cgroup_home__is_closed_where_no_group_can_be_made),
        cmocka_unit_test(test_cgroup_home__ends_what_dead_engines_left),
        cmocka_unit_test(test_cgroup_home__leaves_what_works_for_others),
        cmocka_unit_test(test_cgroup_home__finds_a_name_that_is_free),
        cmocka_unit_test(test_cgroup_home__stands_beside_the_engine_that_it_is_in),
        cmocka_unit_test(test_cgroup_home__leaves_a_step_only_when_asked),
    };
    return cmocka_run_group_tests_name("cgroup_home", tests, NULL, NULL);
}
