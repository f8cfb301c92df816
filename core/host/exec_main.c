/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opstream-exec: becomes a program after it has limited itself.
 *
 *     opstream-exec [-k PARENT] [-m BYTES] [-t SECONDS] [-f BYTES] [-p COUNT] [-n COUNT]
 *                   [-u UMASK] [-d FOLDER] [-r] PATH [ARGUMENT]...
 *
 * Descriptors 0, 1, 2 and, with -r, 3 are the program's. Descriptor 4 is closed by a successful
 * exec; else it gets two ints: errno and the step of enum exec_step that failed. All others are
 * closed. It leads its session already: the parent sees to that when it starts it.
 *
 * It is a program of its own so that the parent can start it without fork, which stops a large
 * process for long. It is linked statically and uses nothing of ours, to start fast.
 */
#include "core/host/exec_step.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct limit {
    char option;
    __rlimit_resource_t resource;
};

static const struct limit limits[] = {
    {'m', RLIMIT_DATA},  {'t', RLIMIT_CPU},    {'f', RLIMIT_FSIZE},
    {'p', RLIMIT_NPROC}, {'n', RLIMIT_NOFILE},
};

static _Noreturn void fail(enum exec_step step)
{
    int report[2] = {errno, (int)step};
    ssize_t n = write(EXEC_STATUS_FD, report, sizeof(report));
    (void)n; /* nobody is left to tell */
    _exit(127);
}

static uint64_t parse_number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        errno = EINVAL;
        fail(EXEC_STEP_OPTIONS);
    }
    return number;
}

static bool set_limit(int option, const char *text)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i].option != option) {
            continue;
        }
        rlim_t value = parse_number(text);
        struct rlimit limit = {0};
        if (getrlimit(limits[i].resource, &limit) != 0) {
            fail(EXEC_STEP_LIMITS);
        }
        limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
        /* A second more until SIGKILL, so that SIGXCPU names the reason. */
        if (option == 't' && limit.rlim_cur < limit.rlim_max) {
            limit.rlim_max = limit.rlim_cur + 1;
        } else {
            limit.rlim_max = limit.rlim_cur;
        }
        if (setrlimit(limits[i].resource, &limit) != 0) {
            fail(EXEC_STEP_LIMITS);
        }
        return true;
    }
    return false;
}

/* The parent may have gone before the signal was asked for. */
static void die_with(const char *parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        fail(EXEC_STEP_LIMITS);
    }
    if ((uint64_t)getppid() != parse_number(parent)) {
        _exit(127);
    }
}

static void set_folder(const char *folder)
{
    if (chdir(folder) != 0) {
        fail(EXEC_STEP_CHDIR);
    }
}

static void close_others(bool has_result)
{
    if (!has_result) {
        (void)close(EXEC_RESULT_FD); /* it need not be open */
    }
    if (close_range(EXEC_STATUS_FD, EXEC_STATUS_FD, CLOSE_RANGE_CLOEXEC) != 0 ||
        close_range(EXEC_STATUS_FD + 1, UINT_MAX, 0) != 0) {
        fail(EXEC_STEP_DESCRIPTORS);
    }
}

/* Core files would hold what the program knew, and nobody reads them. */
static void forbid_core(void)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        fail(EXEC_STEP_LIMITS);
    }
}

static void apply_option(int option, const char *value)
{
    switch (option) {
    case 'k':
        die_with(value);
        return;
    case 'd':
        set_folder(value);
        return;
    case 'u':
        (void)umask((mode_t)parse_number(value)); /* gives the old one, and cannot fail */
        return;
    default:
        if (!set_limit(option, value)) {
            errno = EINVAL;
            fail(EXEC_STEP_OPTIONS);
        }
    }
}

int main(int argc, char **argv)
{
    bool has_result = false;
    int option = 0;
    /* "+": the options end at the program's path; ":": no messages on the program's stderr */
    while ((option = getopt(argc, argv, "+:k:m:t:f:p:n:u:d:r")) != -1) {
        if (option == 'r') {
            has_result = true;
        } else {
            apply_option(option, optarg);
        }
    }
    if (optind >= argc) {
        errno = EINVAL;
        fail(EXEC_STEP_OPTIONS);
    }
    close_others(has_result);
    forbid_core();
    (void)execv(argv[optind], argv + optind); /* returns only when it failed */
    fail(EXEC_STEP_EXEC);
}
