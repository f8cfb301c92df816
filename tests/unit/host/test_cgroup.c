/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/cgroup.h"
#include "tests/support/scratch_folder.h"

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

/* ---- a machine ---- */

static void put(const struct scratch_folder *machine, const char *name, const char *text)
{
    char *path = scratch_folder_path(machine, name);
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            (void)mkdir(path, 0700); /* most are there */
            *p = '/';
        }
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void assert_told(const struct scratch_folder *machine, enum cgroup_state state,
                        const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    struct cgroup cgroup;
    cgroup_look(machine->path, &cgroup);
    assert_string_equal(cgroup_state_name(cgroup.state), cgroup_state_name(state));
    cgroup_append_text(&cgroup, &text);
    strbuf_append_char(&text, '\0');
    assert_string_equal(text.p, expected);
    strbuf_finish(&text);
}

static void test_cgroup__looks_at_a_machine(void **state)
{
    (void)state;
    struct scratch_folder machine;
    scratch_folder_make(&machine);
    assert_told(&machine, CGROUP_ABSENT, "skipped: no cgroup v2 is mounted that has this process");
    put(&machine, "proc/self/cgroup", "4:memory:/\n");
    put(&machine, "proc/self/mountinfo", V1);
    assert_told(&machine, CGROUP_ABSENT, "skipped: no cgroup v2 is mounted that has this process");
    put(&machine, "proc/self/cgroup", "0::/a\n");
    put(&machine, "proc/self/mountinfo", V2);
    assert_told(&machine, CGROUP_LACKING,
                "skipped: /sys/fs/cgroup/a has no controller 'memory', 'pids', 'cpu'");
    put(&machine, "sys/fs/cgroup/a/cgroup.controllers", "hugetlb pids\n");
    assert_told(&machine, CGROUP_LACKING,
                "skipped: /sys/fs/cgroup/a has no controller 'memory', 'cpu'");
    put(&machine, "sys/fs/cgroup/a/cgroup.controllers", "cpu memory pids\n");
    assert_told(&machine, CGROUP_NOT_OURS, "skipped: /sys/fs/cgroup/a is not given to this user");
    put(&machine, "sys/fs/cgroup/a/cgroup.subtree_control", "");
    assert_told(&machine, CGROUP_THERE, "not used, though /sys/fs/cgroup/a has all that it takes");
    scratch_folder_remove(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup__finds_the_group_of_version_two),
        cmocka_unit_test(test_cgroup__finds_the_folder),
        cmocka_unit_test(test_cgroup__reads_controllers),
        cmocka_unit_test(test_cgroup__looks_at_a_machine),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
