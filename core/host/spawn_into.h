/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SPAWN_INTO_H
#define CORE_HOST_SPAWN_INTO_H

/*
 * Spawn into: starts a program that is in a control group from its first moment on.
 *
 * posix_spawn() cannot do that before version 2.39 of the C library, and a process that moves
 * itself waits until all processors have passed a moment of quiet: 12 ms on a machine with little
 * to do, where the way here takes none.
 *
 * Used by:  spawn.c.
 * Uses:     nothing.
 * Threads:  [loop]
 */

#include <stddef.h>
#include <sys/types.h>

/* What descriptor `to` of the program is. `from` below 0: /dev/null, to be written. */
struct spawn_into_fd {
    int from;
    int to;
};

struct spawn_into {
    const char *path;
    char *const *argv;
    char *const *env;
    const struct spawn_into_fd *fds; /* set in this order; no `to` is a later `from` by chance */
    size_t fd_count;
    int cgroup_fd; /* the group's folder */
};

/*
 * As posix_spawn() with what spawn_set_apart() asks for. Returns 0 or an errno value: those of
 * clone3(2) and execve(2); ENOSYS on other processors than x86-64 and AArch64.
 */
int spawn_into(const struct spawn_into *what, pid_t *out_pid);

#endif
