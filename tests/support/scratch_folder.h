/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SCRATCH_FOLDER_H
#define TESTS_SUPPORT_SCRATCH_FOLDER_H

/*
 * A folder of its own for a test, under TMPDIR or /tmp, which is gone with all in it afterwards.
 *
 *     struct scratch_folder scratch;
 *     scratch_folder_make(&scratch);
 *     char *path = scratch_folder_path(&scratch, "state");      (free() it)
 *     scratch_folder_remove(&scratch);
 */

struct scratch_folder {
    char path[256]; /* without links */
};

/* Fails the test when it cannot. */
void scratch_folder_make(struct scratch_folder *scratch);
void scratch_folder_remove(struct scratch_folder *scratch);

/* The path of `name` in it; owned: free(). */
char *scratch_folder_path(const struct scratch_folder *scratch, const char *name);

#endif
