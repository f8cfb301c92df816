/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CGROUP_FILES_H
#define CORE_HOST_CGROUP_FILES_H

/*
 * Cgroup files: all that is done to the folders and files of cgroup v2, as one small table, so that
 * tests can stand in for a kernel that refuses.
 *
 * All functions return 0 or a negative errno value.
 *
 * Used by:  cgroup, cgroup_home, cgroup_step.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct cgroup_files {
    int (*make)(const char *path);                     /* mkdir */
    int (*remove)(const char *path);                   /* rmdir */
    int (*write)(const char *path, const char *text);  /* one write; never makes the file */
    int (*read)(const char *path, struct strbuf *out); /* appends; see strbuf_status() */
    int (*lock)(const char *path, int *out_fd);        /* a folder, for us alone; -EWOULDBLOCK */
};

/* The machine's own. */
extern const struct cgroup_files cgroup_files_real;

/* A number behind `name` in lines of "name number"; 0: it is not there, or no number. */
uint64_t cgroup_files_number(struct str text, const char *name);

/*
 * Calls `each` for each pid in a cgroup.procs until it says false; 0 is a process that we cannot
 * see. What is no pid is left out.
 */
void cgroup_files_each_pid(struct str text, bool (*each)(void *user, int pid), void *user);

#endif
