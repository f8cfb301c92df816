/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: look through /proc, signal what is found, wait until it has ended or its time is over,
 * look again, until two looks in a row find nothing. What survivors start in one round has their
 * mark and is found in the next; what one starts and leaves behind during a look is found by the
 * second. In the middle of an exec a process shows no environment for a moment, which is waited
 * for.
 */
#include "core/loop/survivors.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/str.h"

enum {
    INSTANCE_BYTES = 64,
    BATCH = 128, /* in one round: descriptors are bounded */
    CHUNK_BYTES = 16 * 1024,
    ENVIRONMENT_BYTES = 8 * 1024 * 1024, /* more than the kernel lets a process start with */
    STAT_FLAGS = 9,                      /* fields of /proc/PID/stat */
    STAT_START = 22,
    KERNEL_THREAD = 0x00200000, /* PF_KTHREAD among the flags */
    EXEC_LOOKS = 100,
};

#define VARIABLE "OPSTREAM_OWNER="
/* After the grace, for what got SIGKILL to be gone. */
#define KILL_NS INT64_C(5000000000)

struct mark {
    const char *instance; /* not NUL-terminated */
    size_t instance_n;
    uint64_t epoch;
    uint64_t owner;
    uint64_t owner_start;
};

struct round {
    const struct survivors_options *options;
    int proc_fd;
    struct pollfd found[BATCH]; /* pidfds; below 0: it has ended */
    size_t count;
    pid_t some_pid; /* one of them, for messages */
};

/* ---- marks ---- */

/* Digits up to `end`; false: something else is there, or too much. */
static bool parse_number(const char **at, char end, uint64_t *out_number)
{
    char *stop = NULL;
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(*at, &stop, 10);
    if (errno != 0 || *stop != end) {
        return false;
    }
    *at = stop + 1;
    *out_number = number;
    return true;
}

/* `text` is what stands behind VARIABLE. */
static bool parse_mark(const char *text, struct mark *out_mark)
{
    struct mark mark = {.instance = text, .instance_n = strcspn(text, "-")};
    const char *at = text + mark.instance_n + 1;
    if (mark.instance_n == 0 || text[mark.instance_n] != '-' ||
        !parse_number(&at, '-', &mark.epoch) || !parse_number(&at, '-', &mark.owner) ||
        !parse_number(&at, '\0', &mark.owner_start)) {
        return false;
    }
    *out_mark = mark;
    return true;
}

/* A file of a process, opened for reading; below 0: it is gone, or not ours to read. */
static int open_of(int proc_fd, uint64_t pid, const char *file)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%" PRIu64 "/%s", pid, file); /* fits */
    return openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
}

/* What /proc/PID/stat says. All zero: it has ended, and at most waits for its parent. */
struct life {
    uint64_t start; /* in ticks since the machine began */
    uint64_t flags;
};

/* The number in field `n` of those behind the name, which is the second. */
static uint64_t stat_field(const char *behind_name, int n)
{
    const char *at = behind_name;
    uint64_t number = 0;
    for (int field = 2; field < n && at != NULL; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at != NULL) {
        at++;
        (void)parse_number(&at, ' ', &number); /* then it stays 0 */
    }
    return number;
}

static struct life read_life(int fd)
{
    char text[1024];
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    /* The name is in brackets, and anything may stand in it. */
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') {
        return (struct life){0};
    }
    return (struct life){stat_field(at, STAT_START), stat_field(at, STAT_FLAGS)};
}

static bool is_owner_alive(int proc_fd, const struct mark *mark)
{
    cleanup_fd int fd = open_of(proc_fd, mark->owner, "stat");
    uint64_t start = read_life(fd).start;
    return start != 0 && start == mark->owner_start;
}

static bool is_of_dead_owner(const struct round *round, const char *text)
{
    struct mark mark;
    const char *instance = round->options->instance;
    return parse_mark(text, &mark) && mark.instance_n == strlen(instance) &&
           memcmp(mark.instance, instance, mark.instance_n) == 0 &&
           mark.epoch < round->options->epoch && !is_owner_alive(round->proc_fd, &mark);
}

/* ---- environments ---- */

enum sight {
    SIGHT_NOTHING, /* not one byte */
    SIGHT_NO_VALUE,
    SIGHT_VALUE,
};

/* The search for VARIABLE in bytes that come in pieces. */
struct search {
    size_t matched; /* bytes of VARIABLE at the start of this entry */
    bool is_other;  /* this entry is another variable */
    char value[SURVIVORS_MARK_SIZE];
    size_t value_n;
    bool is_found; /* `value` is whole */
};

static void search_byte(struct search *search, char byte)
{
    if (byte == '\0') {
        search->is_found = !search->is_other && search->matched == strlen(VARIABLE);
        search->value[search->value_n] = '\0';
        search->matched = 0;
        search->is_other = false;
        search->value_n = search->is_found ? search->value_n : 0;
    } else if (search->is_other) {
        return;
    } else if (search->matched < strlen(VARIABLE)) {
        search->is_other = byte != VARIABLE[search->matched];
        search->matched++;
    } else if (search->value_n == sizeof search->value - 1) {
        search->is_other = true; /* longer than any mark of ours */
    } else {
        search->value[search->value_n++] = byte;
    }
}

/* Of two entries the first counts, as for getenv(). */
static enum sight find_value(int fd, struct search *search)
{
    char chunk[CHUNK_BYTES];
    size_t total = 0;
    while (total < ENVIRONMENT_BYTES) {
        ssize_t n = fd >= 0 ? read(fd, chunk, sizeof chunk) : -1;
        if (n <= 0) {
            return n == 0 && total == 0 ? SIGHT_NOTHING : SIGHT_NO_VALUE;
        }
        for (ssize_t i = 0; i < n; i++) {
            search_byte(search, chunk[i]);
            if (search->is_found) {
                return SIGHT_VALUE;
            }
        }
        total += (size_t)n;
    }
    return SIGHT_NO_VALUE;
}

/* ---- a look through /proc ---- */

/* In the middle of an exec: it shows neither arguments nor environment, and lives. */
static bool is_changing(const struct round *round, uint64_t pid)
{
    char byte = 0;
    cleanup_fd int arguments = open_of(round->proc_fd, pid, "cmdline");
    cleanup_fd int stat = open_of(round->proc_fd, pid, "stat");
    struct life life = read_life(stat);
    return arguments >= 0 && read(arguments, &byte, 1) == 0 && life.start != 0 &&
           (life.flags & KERNEL_THREAD) == 0;
}

static bool is_marked(const struct round *round, uint64_t pid)
{
    struct search search = {0};
    enum sight sight = SIGHT_NOTHING;
    bool is_last = false;
    for (int i = 0; i < EXEC_LOOKS && sight == SIGHT_NOTHING && !is_last; i++) {
        if (i > 1) {
            (void)poll(NULL, 0, 1); /* a millisecond: an exec is over in less */
        }
        /* Asked first: what is not changing now may have been when its environment was read. */
        is_last = i > 0 && !is_changing(round, pid);
        cleanup_fd int fd = open_of(round->proc_fd, pid, "environ");
        sight = find_value(fd, &search);
    }
    return sight == SIGHT_VALUE && is_of_dead_owner(round, search.value);
}

/* 0, or E_LIMIT when no descriptors are left. */
static int examine(struct round *round, const char *name)
{
    struct stat st;
    const char *at = name;
    uint64_t pid = 0;
    if (!parse_number(&at, '\0', &pid) || pid > INT32_MAX || (pid_t)pid == getpid() ||
        fstatat(round->proc_fd, name, &st, 0) != 0 || st.st_uid != geteuid()) {
        return 0;
    }
    cleanup_fd int pidfd = pidfd_open((pid_t)pid, 0);
    if (pidfd < 0) {
        return errno == EMFILE || errno == ENFILE ? E_LIMIT : 0;
    }
    /* Alive after its mark was read: the pid was its own all the time. */
    if (is_marked(round, pid) && pidfd_send_signal(pidfd, 0, NULL, 0) == 0) {
        round->found[round->count++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
        round->some_pid = (pid_t)pid;
        pidfd = -1;
    }
    return 0;
}

static int look(struct round *round, struct error *err)
{
    int status = 0;
    DIR *dir = opendir("/proc");
    if (dir == NULL) {
        return error_set_errno(err, E_IO, errno, "cannot look for left-over processes in '/proc'");
    }
    round->proc_fd = dirfd(dir);
    round->count = 0;
    const struct dirent *entry = readdir(dir);
    while (entry != NULL && status == 0 && round->count < BATCH) {
        status = examine(round, entry->d_name);
        entry = readdir(dir);
    }
    (void)closedir(dir);
    /* What there are descriptors for is a round, too. */
    return status == 0 || round->count > 0
               ? 0
               : error_set(err, status, "cannot look for left-over processes: raise 'ulimit -n'");
}

/* ---- ending them ---- */

static void signal_all(const struct round *round, int signal_number)
{
    for (size_t i = 0; i < round->count; i++) {
        (void)pidfd_send_signal(round->found[i].fd, signal_number, NULL, 0); /* or it has ended */
    }
}

/* How many are alive at `until_ns`, or 0 before. */
static size_t wait_all(struct round *round, int64_t until_ns)
{
    size_t alive = round->count;
    while (alive > 0) {
        int64_t left_ms = (until_ns - clock_monotonic_ns() + 999999) / 1000000;
        int timeout = left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
        int ended = poll(round->found, round->count, timeout);
        if (ended == 0 || (ended < 0 && errno != EINTR)) {
            return alive;
        }
        for (size_t i = 0; i < round->count && ended > 0; i++) {
            if (round->found[i].fd >= 0 && round->found[i].revents != 0) {
                cleanup_close_fd(&round->found[i].fd);
                round->found[i].fd = -1; /* poll() passes over it */
                alive--;
            }
        }
    }
    return 0;
}

static void close_all(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        cleanup_close_fd(&round->found[i].fd);
    }
    round->count = 0;
}

/* Those that did not end by SIGTERM are found and counted again in the round that kills them. */
static void end_round(struct round *round, int64_t term_until_ns, struct survivors_count *count)
{
    bool is_term = clock_monotonic_ns() < term_until_ns;
    uint32_t found = (uint32_t)round->count;
    signal_all(round, is_term ? SIGTERM : SIGKILL);
    uint32_t alive = (uint32_t)wait_all(round, is_term ? term_until_ns : term_until_ns + KILL_NS);
    count->found += found - alive;
    count->killed += is_term ? 0 : found - alive;
    close_all(round);
}

int survivors_end(const struct survivors_options *options, struct survivors_count *out_count,
                  struct error *err)
{
    struct survivors_count count = {0};
    struct round round = {.options = options};
    int64_t until_ns = 0;
    int status = 0;
    int quiet = 0;
    while (status == 0 && quiet < 2) {
        bool is_last = until_ns != 0 && clock_monotonic_ns() >= until_ns + KILL_NS;
        status = look(&round, err);
        quiet = round.count == 0 ? quiet + 1 : 0;
        if (until_ns == 0) { /* looking takes time, which is not theirs */
            until_ns = clock_monotonic_ns() + (int64_t)options->grace_ms * 1000000;
        }
        end_round(&round, until_ns, &count);
        if (status == 0 && quiet == 0 && is_last) {
            status = error_set(err, E_TIMEOUT,
                               "process %d, which an earlier run of the engine left over, cannot "
                               "be ended: end it by hand",
                               (int)round.some_pid);
        }
    }
    if (out_count != NULL) {
        *out_count = count;
    }
    return status;
}

int survivors_format_mark(const char *instance, uint64_t epoch, char out_mark[SURVIVORS_MARK_SIZE],
                          struct error *err)
{
    size_t n = strlen(instance);
    for (size_t i = 0; i < n; i++) {
        n = isalnum((unsigned char)instance[i]) ? n : 0;
    }
    if (n == 0 || n > INSTANCE_BYTES) {
        return error_set(err, E_INVALID, "'%s' is no instance", instance);
    }
    cleanup_fd int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    uint64_t start = read_life(fd).start;
    (void)snprintf(out_mark, SURVIVORS_MARK_SIZE, "%s%s-%" PRIu64 "-%d-%" PRIu64, VARIABLE,
                   instance, epoch, (int)getpid(), start); /* fits */
    return 0;
}
