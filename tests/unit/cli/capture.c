/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/capture.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"

void capture_begin(struct capture *capture, int fd)
{
    (void)fflush(NULL);
    capture->fd = fd;
    capture->saved = dup(fd);
    capture->file = tmpfile();
    CHECK(capture->saved >= 0 && capture->file != NULL);
    CHECK(dup2(fileno(capture->file), fd) >= 0);
}

char *capture_end(struct capture *capture)
{
    (void)fflush(NULL);
    CHECK(dup2(capture->saved, capture->fd) >= 0);
    (void)close(capture->saved);
    off_t size = lseek(fileno(capture->file), 0, SEEK_END);
    char *text = calloc((size_t)size + 1, 1);
    CHECK(size >= 0 && text != NULL);
    CHECK(pread(fileno(capture->file), text, (size_t)size, 0) == size);
    (void)fclose(capture->file);
    return text;
}
