/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/fd.h"

#include <errno.h>
#include <unistd.h>

int fd_write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        size_t done = n > 0 ? (size_t)n : 0;
        bytes = str_make(bytes.p + done, bytes.n - done);
    }
    return 0;
}
