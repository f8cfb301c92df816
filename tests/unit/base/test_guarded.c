/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/base/guarded.h"

/* What the kernel says of the mapping that holds `at`: "rd wr mr mw me lo dd ac sd". */
static void read_flags(const void *at, char *out, size_t size)
{
    char line[512];
    unsigned long from = 0;
    unsigned long to = 0;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    out[0] = '\0';
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long begins = 0;
        unsigned long ends = 0;
        if (sscanf(line, "%lx-%lx ", &begins, &ends) == 2) {
            from = begins;
            to = ends;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && (uintptr_t)at >= from &&
                   (uintptr_t)at < to) {
            (void)snprintf(out, size, "%s", line);
        }
    }
    (void)fclose(file);
}

static void test_guarded__is_left_out_of_core_files_and_swap(void **state)
{
    char flags[512];
    (void)state;
    char *block = guarded_alloc(100);
    assert_non_null(block);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(block[i], 0);
    }
    read_flags(block, flags, sizeof(flags));
    assert_non_null(strstr(flags, " dd"));
#ifndef __SANITIZE_ADDRESS__ /* which takes mlock() away */
    assert_non_null(strstr(flags, " lo"));
#endif
    guarded_free(block, 100);
    guarded_free(NULL, 0);
}

static void test_guarded__has_room_for_what_was_asked(void **state)
{
    (void)state;
    for (size_t n = 0; n < 20000; n += 4095) {
        char *block = guarded_alloc(n + 1);
        assert_non_null(block);
        memset(block, 'x', n + 1);
        guarded_free(block, n + 1);
    }
}

static void test_guarded__closes_the_process(void **state)
{
    struct rlimit limit = {1, 1};
    (void)state;
    guarded_close_process();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guarded__is_left_out_of_core_files_and_swap),
        cmocka_unit_test(test_guarded__has_room_for_what_was_asked),
        cmocka_unit_test(test_guarded__closes_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
