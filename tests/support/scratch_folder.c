/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scratch_folder.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPEN_FOLDERS = 16 };

void scratch_folder_make(struct scratch_folder *scratch)
{
    char path[256];
    char real[PATH_MAX];
    const char *place = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%s/opstream-test-XXXXXX", place != NULL ? place : "/tmp");
    assert_non_null(mkdtemp(path));
    assert_non_null(realpath(path, real));
    assert_true(strlen(real) < sizeof scratch->path);
    memcpy(scratch->path, real, strlen(real) + 1);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

void scratch_folder_remove(struct scratch_folder *scratch)
{
    assert_int_equal(nftw(scratch->path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS), 0);
}

char *scratch_folder_path(const struct scratch_folder *scratch, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", scratch->path, name) > 0);
    return path;
}
