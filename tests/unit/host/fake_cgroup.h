/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_HOST_FAKE_CGROUP_H
#define TESTS_UNIT_HOST_FAKE_CGROUP_H

/*
 * A stand-in for the kernel's cgroup v2 in a scratch folder: a made group has its files,
 * controllers go down by cgroup.subtree_control, which a group with processes refuses, and a group
 * with processes or groups in it cannot be removed.
 */

#include "core/host/cgroup_files.h"
#include "tests/support/scratch_folder.h"

/* Its functions fail as fake_cgroup_fail() said. */
extern const struct cgroup_files fake_cgroup_files;

/* A machine on which this process is alone in /svc, with `controllers` ("memory pids"). */
void fake_cgroup_make(struct scratch_folder *machine, const char *controllers);
void fake_cgroup_remove(struct scratch_folder *machine);

/* What is made or written with a path that ends like this fails; NULL: nothing. */
void fake_cgroup_fail(const char *path_end, int errnum);

/* Processes do not die of cgroup.kill so many times. */
void fake_cgroup_survive(int times);

/* The text of a file, which must be there; owned: free(). */
char *fake_cgroup_text(const struct scratch_folder *machine, const char *name);

/* Writes a file, and the folders that it is in. */
void fake_cgroup_put(const struct scratch_folder *machine, const char *name, const char *text);

/* Makes a group as the kernel does. */
void fake_cgroup_make_group(const struct scratch_folder *machine, const char *name);

bool fake_cgroup_has(const struct scratch_folder *machine, const char *name);

#endif
