/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_PROCESS_H
#define OPSTREAM_PROCESS_H

/*
 * ops.process 1: child processes, started, limited, watched and killed by the host. A plugin never
 * forks: from a large process that stops the world, and in a sandbox it is not allowed.
 *
 *     spawn() = OPS_OK  ->  on_stdout*, on_stderr*, on_result* (as the bytes come)
 *                       ->  on_exit, exactly once, after the last of them
 *
 * The child leads a process group of its own. When it ends, when a limit is hit, when the task is
 * cancelled or ends, the whole group is killed. It inherits no descriptors but 0, 1, 2 (and 3 if
 * asked for), no signal dispositions, and no environment but what the spec names.
 *
 * Needs the capability `exec` in the manifest.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_PROCESS "ops.process"

/* For ops_process_spec.flags. */
#define OPS_PROCESS_INHERIT_ENV 1u /* begin with the host's whole environment, then add `env` */
#define OPS_PROCESS_MERGE_ERROR 2u /* descriptor 2 is descriptor 1: all comes to on_stdout */

#define OPS_PROCESS_ENTRY_MOST   131071u  /* what Linux takes as one variable */
#define OPS_PROCESS_ENTRIES_MOST 1048576u /* all that come by handle */

/* Which limit ended the child: ops_process_exit.limit. */
#define OPS_LIMIT_NONE   0u
#define OPS_LIMIT_WALL   1u /* wall_ms */
#define OPS_LIMIT_CPU    2u /* cpu_ms */
#define OPS_LIMIT_MEMORY 3u /* memory_bytes, as far as it can be told from its end */
#define OPS_LIMIT_OUTPUT 4u /* output_bytes */
#define OPS_LIMIT_FILE   5u /* file_bytes */
#define OPS_LIMIT_COUNT  6u /* processes */

/*
 * 0 is the limit that the pipeline sets for the task, or else the host's default: of memory half
 * of the machine's, of output 10 MiB, of the grace 10 s, of all else none. Where both the pipeline
 * and the plugin set a limit, the stricter one holds.
 */
typedef struct ops_process_limits {
    uint32_t size;
    uint32_t processes; /* the child and all that it starts, at one time */
    uint64_t wall_ms;   /* from start to end */
    /* Where the host has control groups the next two also hold for all processes together. */
    uint64_t cpu_ms;        /* of computing, per process; rounded up to seconds */
    uint64_t memory_bytes;  /* that it can write to and does not share, per process */
    uint64_t output_bytes;  /* what it writes to 1 and 3 together; 2 is not limited */
    uint64_t file_bytes;    /* the largest file that it may write */
    uint64_t files;         /* open at one time */
    uint64_t kill_grace_ms; /* from SIGTERM to SIGKILL, at wall_ms and cancel */
} ops_process_limits;

/* How a child ended; borrowed. */
typedef struct ops_process_exit {
    uint32_t size;
    int32_t exit_code;     /* 0 to 255; -1: ended by a signal */
    int32_t signal;        /* that ended it, or 0 */
    uint32_t limit;        /* OPS_LIMIT_* */
    uint64_t wall_us;      /* how long it lived */
    uint64_t cpu_us;       /* how long it computed, with what it started where that is known */
    uint64_t max_memory;   /* most bytes of resident memory */
    uint64_t limit_value;  /* of `limit`, in bytes, milliseconds or processes; 0: it has none */
    uint64_t env_left_out; /* entries of env_vals that no process can be given */
} ops_process_exit;

/*
 * [strand] The end of a child. `err` is NULL, or borrowed when there was no child to speak of: it
 * could not be started (NOT_FOUND: its name and the folders that were searched; PERMISSION;
 * RESOURCE), and then `exit` is NULL. A task that is cancelled gets its on_exit with `exit`.
 */
typedef void (*ops_process_done)(void *user, ops_task task, const ops_process_exit *exit,
                                 const ops_error *err);

/* [strand] Bytes that the child wrote, as they come: borrowed, cut anywhere, never empty. */
typedef void (*ops_process_output)(void *user, ops_task task, ops_str bytes);

/* Borrowed by spawn(), with all that it points to. */
typedef struct ops_process_spec {
    uint32_t size;
    uint32_t flags; /* OPS_PROCESS_* */
    /* argv[0] is a path, or a name that the host looks up in its PATH. At least one. */
    const ops_str *argv;
    uint64_t n_argv;
    /* "NAME=value" each; the later of two with one name wins. */
    const ops_str *env;
    uint64_t n_env;
    /* Names of variables of the host that the child gets as they are; `env` wins over them. */
    const ops_str *inherit;
    uint64_t n_inherit;
    ops_str cwd;   /* absolute; empty: the host's working folder */
    ops_str input; /* bytes for descriptor 0, copied, which is closed behind them */
    const ops_process_limits *limits; /* NULL: all as by default */
    ops_process_output on_stdout;     /* NULL: descriptor 1 is /dev/null */
    ops_process_output on_stderr;     /* NULL: descriptor 2 is /dev/null */
    ops_process_output on_result; /* descriptor 3, for results apart from output; NULL: closed */
    ops_process_done on_exit;     /* must not be NULL */
    void *user;                   /* kept until on_exit, or until the task ends */
    /*
     * A child may have what the plugin may not read, secrets of the config among it: the host
     * writes it. A string is written as it is, null as nothing, bytes as they are, all else as
     * JSON; the JSON of `input_val` ends with a line feed.
     */
    ops_val input_val; /* not 0: in place of `input` */
    /*
     * NULL, or as many handles as `env` has entries: what one that is not 0 says stands behind its
     * entry, which then is "NAME=". Such an entry is left out when no process can be given it: with
     * a NUL byte, with more than OPS_PROCESS_ENTRY_MOST bytes, or with more than
     * OPS_PROCESS_ENTRIES_MOST together with those before it; on_exit is told how many were.
     */
    const ops_val *env_vals;
} ops_process_spec;

typedef struct ops_if_process {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Starts a child. `out` (may be NULL) names it for kill(). What is wrong with the
     * program itself is told to on_exit; OPS_E_INPUT here: no argv, a NUL byte in a text, a
     * relative cwd, an `env` entry without "="; OPS_E_UNSUPPORTED: unknown flags; OPS_E_INTERNAL:
     * no `on_exit`; OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*spawn)(void *h, ops_task task, const ops_process_spec *spec, ops_op *out);
    /*
     * [any-thread] Sends signal number `signal` to the child's whole group. OPS_E_INPUT: there is
     * no such signal.
     */
    ops_status (*kill)(void *h, ops_op op, int32_t signal);
    /*
     * [any-thread, files] Where the host would find program `name`: an absolute path that lives as
     * long as `scope`; a name with a '/' comes back as it is. OPS_E_NOT_FOUND: nowhere in its PATH,
     * or not executable. Each call looks into the folders of the PATH, since programs come and go:
     * keep the answer where you would ask often.
     */
    ops_status (*find)(void *h, ops_scope scope, ops_str name, ops_str *out);
} ops_if_process;

#ifdef __cplusplus
}
#endif
#endif
