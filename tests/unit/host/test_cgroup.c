/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/host/cgroup.h"
#include "tests/unit/host/fake_cgroup.h"

#define V2   "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1   "36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
#define BOTH V1 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

static void test_cgroup__finds_the_group_of_version_two(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *group; /* NULL: none */
    } cases[] = {
        {"0::/user.slice/a b\n", "/user.slice/a b"},
        {"9:name=systemd:/x\n4:memory:/y\n0::/\n", "/"},
        {"0::/no/end", "/no/end"},
        {"9:name=systemd:/\n4:memory:/a\n", NULL},
        {"10::/a\n", NULL},
        {"0::\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str group = cgroup_find_group(str_from(cases[i].text));
        assert_true((group.p == NULL) == (cases[i].group == NULL));
        assert_true(cases[i].group == NULL || str_equal_text(group, cases[i].group));
    }
}

static void test_cgroup__finds_the_folder(void **state)
{
    (void)state;
    static const struct {
        const char *mountinfo;
        const char *group;
        const char *folder; /* NULL: none */
    } cases[] = {
        {V2, "/", "/sys/fs/cgroup"},
        {V2, "/user.slice/a", "/sys/fs/cgroup/user.slice/a"},
        {BOTH, "/a", "/sys/fs/cgroup/unified/a"},
        {V1, "/a", NULL},
        {"", "/a", NULL},
        {"31 23 0:28", "/a", NULL},
        {"31 23 0:28 / /c rw -", "/a", NULL},
        {"31 23 0:28 / /c rw shared:1 master:2 - cgroup2 c rw\n", "/a", "/c/a"},
        {"31 23 0:28 / /a\\040b\\134c rw - cgroup2 c rw\n", "/d", "/a b\\c/d"},
        {"31 23 0:28 /box /c rw - cgroup2 c rw\n", "/box", "/c"},
        {"31 23 0:28 /box /c rw - cgroup2 c rw\n", "/box/d", "/c/d"},
        {"31 23 0:28 /box /c rw - cgroup2 c rw\n", "/boxes/d", NULL},
        {"31 23 0:28 /box /c rw - cgroup2 c rw\n" V2, "/else", "/sys/fs/cgroup/else"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf folder = STRBUF_INIT;
        bool has_found =
            cgroup_append_folder(str_from(cases[i].mountinfo), str_from(cases[i].group), &folder);
        assert_true(has_found == (cases[i].folder != NULL));
        assert_true(!has_found || str_equal_text(strbuf_str(&folder), cases[i].folder));
        strbuf_finish(&folder);
    }
}

static void test_cgroup__reads_controllers(void **state)
{
    (void)state;
    assert_int_equal(cgroup_read_controllers(STR("")), 0);
    assert_int_equal(cgroup_read_controllers(STR("\n")), 0);
    assert_int_equal(cgroup_read_controllers(STR("hugetlb\n")), 0);
    assert_int_equal(cgroup_read_controllers(STR("cpuset cpu io memory hugetlb pids rdma\n")),
                     CGROUP_ALL);
    assert_int_equal(cgroup_read_controllers(STR("cpuset memory")), CGROUP_MEMORY);
}

static void test_cgroup__knows_groups_of_engines(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        const char *base; /* NULL: none */
        bool is_step;
    } cases[] = {
        {"/", NULL, false},
        {"/svc", NULL, false},
        {"/opstream-engine-", NULL, false},
        {"/opstream-engine-7x/step-1", NULL, false},
        {"/my-opstream-engine-7", NULL, false},
        {"/opstream-engine-7", "/", false},
        {"/a/b/opstream-engine-7/engine", "/a/b", false},
        {"/a/opstream-engine-7/step-12", "/a", true},
        {"/a/opstream-engine-7/step-12/b/c", "/a", true},
        {"/a/opstream-engine-7/step-", "/a", false},
        {"/a/opstream-engine-7/step-1/opstream-engine-8/engine", "/a/opstream-engine-7/step-1",
         false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str base = str_make(NULL, 0);
        bool is_step = false;
        assert_true(cgroup_find_base(str_from(cases[i].group), &base, &is_step) ==
                    (cases[i].base != NULL));
        assert_true(cases[i].base == NULL || str_equal_text(base, cases[i].base));
        assert_true(is_step == cases[i].is_step);
    }
}

/* ---- a machine ---- */

static void assert_told(const struct scratch_folder *machine, enum cgroup_state state,
                        const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    struct cgroup cgroup;
    cgroup_look(machine->path, &cgroup);
    assert_string_equal(cgroup_state_name(cgroup.state), cgroup_state_name(state));
    cgroup_append_text(&cgroup, &text);
    for (unsigned i = 1; i < CGROUP_ALL && state == CGROUP_THERE; i <<= 1) {
        strbuf_append_text(&text, "; ");
        cgroup_append_controller(&cgroup, (enum cgroup_controller)i, &text);
    }
    strbuf_append_char(&text, '\0');
    assert_string_equal(text.p, expected);
    strbuf_finish(&text);
}

static void test_cgroup__looks_at_a_machine(void **state)
{
    (void)state;
    static const char no_group[] = "skipped: no cgroup v2 is mounted that has this process";
    struct scratch_folder machine;
    scratch_folder_make(&machine);
    assert_told(&machine, CGROUP_ABSENT, no_group);
    fake_cgroup_put(&machine, "proc/self/cgroup", "4:memory:/\n");
    fake_cgroup_put(&machine, "proc/self/mountinfo", V1);
    assert_told(&machine, CGROUP_ABSENT, no_group);
    fake_cgroup_put(&machine, "proc/self/cgroup", "0::/a\n");
    fake_cgroup_put(&machine, "proc/self/mountinfo", V2);
    fake_cgroup_put(&machine, "sys/fs/cgroup/a/cgroup.type", "domain\n");
    assert_told(&machine, CGROUP_TOO_OLD,
                "skipped: the kernel has no cgroup.kill (it is there from 5.14 on)");
    fake_cgroup_put(&machine, "sys/fs/cgroup/a/cgroup.kill", "");
    fake_cgroup_put(&machine, "sys/fs/cgroup/a/cgroup.procs", "");
    assert_told(&machine, CGROUP_NOT_OURS, "skipped: /sys/fs/cgroup/a is not given to this user");
    fake_cgroup_put(&machine, "sys/fs/cgroup/a/cgroup.subtree_control", "");
    assert_told(&machine, CGROUP_THERE,
                "in /sys/fs/cgroup/a; skipped: there is no controller 'memory'; "
                "skipped: there is no controller 'pids'");
    fake_cgroup_put(&machine, "sys/fs/cgroup/a/cgroup.controllers", "hugetlb pids\n");
    assert_told(&machine, CGROUP_THERE,
                "in /sys/fs/cgroup/a; skipped: there is no controller 'memory'; used");
    fake_cgroup_put(&machine, "proc/self/cgroup", "0::/a/opstream-engine-4/step-1\n");
    assert_told(&machine, CGROUP_OF_STEP,
                "skipped: this is part of a step, which its engine limits");
    scratch_folder_remove(&machine);
}

static void test_cgroup__sees_who_is_in_it(void **state)
{
    (void)state;
    struct scratch_folder machine;
    fake_cgroup_make(&machine, "memory pids");
    assert_told(&machine, CGROUP_THERE, "in /cg/svc; used; used");
    fake_cgroup_put(&machine, "cg/svc/cgroup.procs", "900\n");
    assert_told(&machine, CGROUP_THERE, "in /cg/svc; used; used"); /* it has ended */
    fake_cgroup_put(&machine, "proc/900/stat", "900 (sh) S 1 1 1");
    assert_told(&machine, CGROUP_THERE,
                "in /cg/svc; skipped: other processes are in that group; "
                "skipped: other processes are in that group");
    fake_cgroup_put(&machine, "cg/svc/cgroup.subtree_control", "pids");
    assert_told(&machine, CGROUP_THERE,
                "in /cg/svc; skipped: other processes are in that group; used");
    fake_cgroup_remove(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup__finds_the_group_of_version_two),
        cmocka_unit_test(test_cgroup__finds_the_folder),
        cmocka_unit_test(test_cgroup__reads_controllers),
        cmocka_unit_test(test_cgroup__knows_groups_of_engines),
        cmocka_unit_test(test_cgroup__looks_at_a_machine),
        cmocka_unit_test(test_cgroup__sees_who_is_in_it),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
