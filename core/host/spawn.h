/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SPAWN_H
#define CORE_HOST_SPAWN_H

/*
 * Spawn: the moment a child process begins: its pipes, its limits, its pid. No loop.
 *
 * Used by:  process.c, background of loop.
 * Uses:     base, process.h, spawn_into.
 * Threads:  [loop]
 */

#include <spawn.h>
#include <sys/types.h>

struct error;
struct process_spec;

enum { SPAWN_STREAMS = 3 };

/* Our ends; all descriptors are non-blocking and not inherited. -1: not there. */
struct spawned {
    pid_t pid;
    int cgroup_errnum; /* why it is not in the group that was asked for; 0: it is */
    int pidfd;
    int status_fd;              /* why the program could not be run */
    int streams[SPAWN_STREAMS]; /* by enum process_stream */
};

/*
 * Starts the helper; in the group of which `cgroup_fd` is the folder (below 0: none), or else where
 * we are. On success `*out` is owned: close what is in it, and reap the pid.
 * Fails as process_start() does.
 */
int spawn_child(const struct process_spec *spec, int cgroup_fd, struct spawned *out,
                struct error *err);

/* For posix_spawn(3): a session of its own, no signal ignored or blocked. 0 or an errno value. */
int spawn_set_apart(posix_spawnattr_t *attributes);

#endif
