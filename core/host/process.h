/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROCESS_H
#define CORE_HOST_PROCESS_H

/*
 * Process: one child process on the loop: started, limited, fed, read, and killed with its group.
 *
 *     process_start() ─▶ opstream-exec (limits itself) ─▶ the program
 *                            │ could not: says why            │ ends: its pidfd is readable
 *                            ▼                                ▼
 *                        on_end with exec_errno        rest of the pipes, group killed, reaped,
 *                                                      on_end
 *
 * The child leads its own session and process group, so that a signal reaches what it started as
 * well. It stays a zombie until its pipes are closed or a moment has passed: as long as it is one
 * its pid cannot be another's, and the group can be killed safely. What left the group is found as
 * kin.h says, and killed too; on_end comes when all of it is gone, or after PROCESS_CLEAR_MS.
 *
 * In a control group of its own (cgroup_step.h) it is limited and ended as a whole besides, and
 * what it computes and how many processes it is are read from there.
 *
 * PR_SET_PDEATHSIG ends the child when the thread that started it ends: start processes from the
 * loop's thread only.
 *
 * Used by:  host (ops.process).
 * Uses:     base, kin, cgroup_step, libuv, the program opstream-exec.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct cgroup_home;
struct error;
struct process;
struct uv_loop_s;

enum {
    PROCESS_GRACE_MS = 10000,                /* from SIGTERM to SIGKILL */
    PROCESS_LINGER_MS = 500,                 /* for pipes that grandchildren keep open */
    PROCESS_CLEAR_MS = 2000,                 /* for what was killed to be gone */
    PROCESS_COUNT_MS = 50,                   /* from one count of processes to the next */
    PROCESS_COUNT_SOON_MS = 4,               /* the same while they become more */
    PROCESS_CPU_SOON_MS = 10,                /* from one look at what a group computed, at least */
    PROCESS_OUTPUT_BYTES = 10 * 1024 * 1024, /* what a child may write */
    PROCESS_TAIL_BYTES = 8 * 1024,           /* of descriptor 2, kept for the error */
};

/* Why a child was killed by us. */
enum process_limit {
    PROCESS_LIMIT_NONE,
    PROCESS_LIMIT_WALL,   /* wall_ms */
    PROCESS_LIMIT_CPU,    /* cpu_ms: the kernel sent SIGXCPU, or the group computed for longer */
    PROCESS_LIMIT_MEMORY, /* memory_bytes: the kernel killed the group */
    PROCESS_LIMIT_FILE,   /* file_bytes: the kernel sent SIGXFSZ */
    PROCESS_LIMIT_OUTPUT, /* output_bytes */
    PROCESS_LIMIT_COUNT,  /* processes */
};

/* 0: no limit, unless the comment says otherwise. */
struct process_limits {
    uint64_t wall_ms;
    uint64_t cpu_ms;       /* RLIMIT_CPU, rounded up to seconds; for each process of its own. In a
                              group for all together as well, and not rounded */
    uint64_t memory_bytes; /* RLIMIT_DATA: what a process may write to and does not share, which is
                              what it costs. RLIMIT_AS would count what is only reserved, and
                              JavaScript reserves gigabytes. In a group for all together as well */
    uint64_t file_bytes;   /* RLIMIT_FSIZE */
    uint64_t processes;    /* the child and all that it started, at one time; they are counted
                              at most PROCESS_COUNT_MS apart. RLIMIT_NPROC would count all of the
                              user's, and root's not at all */
    uint64_t open_files;   /* RLIMIT_NOFILE */
    uint64_t output_bytes; /* on descriptors 1 and 3 together; 0: PROCESS_OUTPUT_BYTES */
    uint64_t grace_ms;     /* SIGTERM to SIGKILL; 0: SIGKILL at once */
};

enum process_stream {
    PROCESS_STDOUT,
    PROCESS_STDERR,
    PROCESS_RESULT, /* descriptor 3 */
};

enum process_flags {
    PROCESS_WANTS_STDOUT = 1u << 0,  /* else descriptor 1 is /dev/null */
    PROCESS_WANTS_STDERR = 1u << 1,  /* else descriptor 2 is /dev/null and there is no tail */
    PROCESS_WANTS_RESULT = 1u << 2,  /* else descriptor 3 is closed */
    PROCESS_MERGES_STDERR = 1u << 3, /* descriptor 2 is descriptor 1 */
};

/* How a child ended; borrowed by on_end. */
struct process_end {
    int exec_errno;        /* not 0: the program never ran, for this reason */
    const char *exec_step; /* what failed then: "exec", "chdir", ...; static */
    int exit_code;         /* 0 to 255; -1: ended by a signal */
    int signal;            /* that ended it, or 0 */
    enum process_limit limit;
    bool is_killed; /* process_terminate() or process_kill() was called */
    uint64_t wall_us;
    uint64_t cpu_us;           /* in a group: of all that was in it */
    uint64_t max_memory_bytes; /* resident, of the largest process */
    struct str stderr_tail;
};

struct process_spec {
    struct uv_loop_s *loop;
    const char *helper;       /* path of opstream-exec */
    const char *const *argv;  /* the first is the program's path: process_find(); ends with NULL */
    const char *const *env;   /* "NAME=value", ends with NULL */
    const char *cwd;          /* NULL: ours */
    const char *mark;         /* an entry of `env` that no other child has: kin.h; NULL: none */
    struct str input;         /* for descriptor 0, copied; empty: /dev/null */
    unsigned flags;           /* PROCESS_* */
    int umask;                /* below 0: ours */
    struct cgroup_home *home; /* kept: in which it gets a group; NULL: none */
    struct process_limits limits;
    void *user;
    /* Bytes as they come, cut anywhere, never empty; borrowed. May call process_pause(). */
    void (*on_bytes)(void *user, enum process_stream stream, struct str bytes);
    /* While it says true nothing is read, and the child waits; asked again and again. May be NULL.
     */
    bool (*is_busy)(void *user);
    /* Once, the last call: the process is gone after it. Never from inside process_start(). */
    void (*on_end)(void *user, const struct process_end *end);
};

/*
 * The path of program `name`: itself when it has a '/', else the first executable file of that
 * name in the folders of `search` (as in PATH; NULL: the usual ones). Folders that are not
 * absolute are passed over: what is found must not depend on where we stand.
 * On success `*out_path` is owned: free(). Fails with E_NOT_FOUND (names the folders), E_INVALID
 * (an empty name, a NUL byte), E_NOMEM.
 */
int process_find(struct str name, const char *search, char **out_path, struct error *err);

/*
 * Starts a child; the spec is borrowed. On success `*out_process` is valid until on_end returns.
 * Fails, and then there is no on_end, with E_NOMEM, E_LIMIT (no descriptors or processes left),
 * E_NOT_FOUND (the helper), E_IO. A program that cannot be run is told to on_end.
 */
int process_start(const struct process_spec *spec, struct process **out_process, struct error *err);

/* Back-pressure: while it is paused, what the child writes stays in its pipe, and it waits. */
void process_set_paused(struct process *process, bool is_paused);

/* Sends `signal` to the whole group. Returns 0 or E_INVALID (no such signal). */
int process_signal(struct process *process, int signal);

/* SIGTERM to the group, SIGKILL after the grace. Again: nothing happens. */
void process_terminate(struct process *process);

/* SIGKILL to the group. */
void process_kill(struct process *process);

#endif
