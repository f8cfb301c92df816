/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sdk/deadly_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char mark[] = "@deadly=";

/* The plugin's bytes with the wish in them: free() them. */
static char *read_bytes(const char *wish, size_t *out_n)
{
    struct stat st;
    int fd = open(DEADLY_FILE, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    assert_int_equal(close(fd), 0);
    char *at = memmem(bytes, (size_t)st.st_size, mark, strlen(mark));
    /* Once more in the text of is_wished(): the wish itself goes on. */
    while (at != NULL && memcmp(at + strlen(mark), "none:", 5) != 0) {
        at = memmem(at + 1, (size_t)(bytes + st.st_size - at - 1), mark, strlen(mark));
    }
    assert_non_null(at);
    assert_true(strlen(mark) + strlen(wish) < 32);
    memcpy(at + strlen(mark), wish, strlen(wish) + 1);
    *out_n = (size_t)st.st_size;
    return bytes;
}

static void write_bytes(const char *path, int flags, const char *wish)
{
    size_t n = 0;
    char *bytes = read_bytes(wish, &n);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
    free(bytes);
}

void deadly_file_make(const char *folder, const char *name, const char *wish, char path[512])
{
    (void)snprintf(path, 512, "%s/%s.so", folder, name);
    write_bytes(path, O_TRUNC, wish);
}

void deadly_file_overwrite(const char *path, const char *wish)
{
    write_bytes(path, 0, wish);
}
