/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opstream-exec: becomes a program after it has limited itself.
 *
 *     opstream-exec [-k PARENT] [-m BYTES] [-t SECONDS] [-f BYTES] [-n COUNT] [-u UMASK]
 *                   [-d FOLDER] [-r] -- PATH [ARGUMENT]...
 *
 * Descriptors 0, 1, 2 and, with -r, 3 are the program's. Descriptor 4 is closed by a successful
 * exec; else it gets two ints: errno and the step of enum exec_step that failed. All others are
 * closed. It leads its session already: the parent sees to that when it starts it.
 *
 * It is a program of its own so that the parent can start it without fork, which stops a large
 * process for long. It uses no library, to start fast.
 */
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "core/host/exec_step.h"
#include "core/host/exec_syscall.h"

enum { EXIT_STATUS = 127 };

struct limit {
    char option;
    int resource;
};

static const struct limit limits[] = {
    {'m', RLIMIT_DATA},
    {'t', RLIMIT_CPU},
    {'f', RLIMIT_FSIZE},
    {'n', RLIMIT_NOFILE},
};

static _Noreturn void end(void)
{
    for (;;) {
        (void)exec_syscall(SYS_exit_group, EXIT_STATUS, 0, 0, 0); /* does not return */
    }
}

static _Noreturn void fail(enum exec_step step, long status)
{
    int report[2] = {(int)-status, (int)step};
    /* When that fails, nobody is left to tell. */
    (void)exec_syscall(SYS_write, EXEC_STATUS_FD, (long)report, sizeof(report), 0);
    end();
}

static void check(enum exec_step step, long status)
{
    if (status < 0) {
        fail(step, status);
    }
}

static uint64_t parse_number(const char *text)
{
    uint64_t number = 0;
    if (text == NULL || *text == '\0') {
        fail(EXEC_STEP_OPTIONS, -EINVAL);
    }
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(unsigned char)*text - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            fail(EXEC_STEP_OPTIONS, -EINVAL);
        }
        number = number * 10 + digit;
    }
    return number;
}

static void get_limit(int resource, struct rlimit *out)
{
    check(EXEC_STEP_LIMITS, exec_syscall(SYS_prlimit64, 0, resource, 0, (long)out));
}

static void set_limit(int resource, const struct rlimit *limit)
{
    check(EXEC_STEP_LIMITS, exec_syscall(SYS_prlimit64, 0, resource, (long)limit, 0));
}

/* Never above what there is already. */
static void lower_limit(const struct limit *which, const char *text)
{
    uint64_t value = parse_number(text);
    struct rlimit limit;
    get_limit(which->resource, &limit);
    limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
    /* A second more until SIGKILL, so that SIGXCPU names the reason. */
    if (which->resource == RLIMIT_CPU && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_max = limit.rlim_cur + 1;
    } else {
        limit.rlim_max = limit.rlim_cur;
    }
    set_limit(which->resource, &limit);
}

/* The parent may have gone before the signal was asked for. */
static void die_with(const char *parent)
{
    check(EXEC_STEP_LIMITS, exec_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0));
    if ((uint64_t)exec_syscall(SYS_getppid, 0, 0, 0, 0) != parse_number(parent)) {
        end();
    }
}

static void close_others(bool has_result)
{
    unsigned first = EXEC_STATUS_FD + 1;
    if (!has_result) {
        (void)exec_syscall(SYS_close, EXEC_RESULT_FD, 0, 0, 0); /* it need not be open */
    }
    check(EXEC_STEP_DESCRIPTORS,
          exec_syscall(SYS_close_range, EXEC_STATUS_FD, EXEC_STATUS_FD, CLOSE_RANGE_CLOEXEC, 0));
    check(EXEC_STEP_DESCRIPTORS, exec_syscall(SYS_close_range, first, UINT_MAX, 0, 0));
}

/* Core files would hold what the program knew, and nobody reads them. */
static void forbid_core(void)
{
    struct rlimit none = {0, 0};
    set_limit(RLIMIT_CORE, &none);
}

static void apply_option(char option, const char *value)
{
    if (option == 'k') {
        die_with(value);
        return;
    }
    if (option == 'd') {
        check(EXEC_STEP_CHDIR, exec_syscall(SYS_chdir, (long)value, 0, 0, 0));
        return;
    }
    if (option == 'u') {
        (void)exec_syscall(SYS_umask, (long)parse_number(value), 0, 0, 0); /* gives the old one */
        return;
    }
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i].option == option) {
            lower_limit(&limits[i], value);
            return;
        }
    }
    fail(EXEC_STEP_OPTIONS, -EINVAL);
}

_Noreturn void exec_start(char **argv, char **envp)
{
    bool has_result = false;
    char **at = argv + 1;
    while (*at != NULL && (*at)[0] == '-' && (*at)[1] != '-') {
        char option = (*at)[1];
        at++;
        if (option == 'r') {
            has_result = true;
        } else if (*at != NULL) {
            apply_option(option, *at);
            at++;
        }
    }
    if (*at == NULL || at[1] == NULL) {
        fail(EXEC_STEP_OPTIONS, -EINVAL);
    }
    at++;
    close_others(has_result);
    forbid_core();
    /* Returns only when it failed. */
    fail(EXEC_STEP_EXEC, exec_syscall(SYS_execve, (long)*at, (long)at, (long)envp, 0));
}
