/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_JOURNAL_FAULT_VFS_H
#define TESTS_UNIT_JOURNAL_FAULT_VFS_H

/*
 * Fault VFS: a layer over SQLite's own access to files, the default of this process once it is
 * installed. It counts the calls that change something, makes one or all of them fail, calls the
 * test before each, and knows what of each file was synced, so that the files can be written as a
 * crash would have left them.
 *
 * Used by:  tests of journal.
 * Uses:     sqlite3.
 * Threads:  arm and disarm: while no database is at work, and is open if images are kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_vfs_calls {
    FAULT_VFS_WRITES = 1u << 0, /* and truncations */
    FAULT_VFS_SYNCS = 1u << 1,
    FAULT_VFS_LOCKS = 1u << 2, /* of the log's index, which readers and the writer share */
};

struct fault_vfs_plan {
    unsigned fails;    /* enum fault_vfs_calls that are counted, and may fail */
    uint64_t at;       /* the number of the first that fails, from 1; 0: none */
    uint64_t count;    /* how many fail from there on */
    int rc;            /* what they return */
    bool keeps_images; /* see fault_vfs_write_image() */
    /*
     * Before each call that changes something, on the thread that calls; what it does itself
     * is no such call.
     */
    void (*before)(void *user);
    void *user;
};

void fault_vfs_install(void);
void fault_vfs_arm(const struct fault_vfs_plan *plan);
/* How many calls were counted since. */
uint64_t fault_vfs_disarm(void);
/* The room is there again: nothing fails any more. [any] */
void fault_vfs_mend(void);

enum fault_vfs_image {
    FAULT_VFS_ALL,    /* the process died */
    FAULT_VFS_SYNCED, /* the power failed, and nothing was written that was not synced */
    FAULT_VFS_TORN,   /* the same, and some was, in parts */
};

/* Writes the files of `from` into the folder `to`, from inside of `before`. False: it could not. */
bool fault_vfs_write_image(const char *from, const char *to, enum fault_vfs_image image,
                           uint64_t seed);

#endif
