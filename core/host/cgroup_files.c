/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/cgroup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"

enum { CHUNK_BYTES = 4096, MOST_BYTES = 1024 * 1024 };

static int make(const char *path)
{
    return mkdir(path, 0755) == 0 ? 0 : -errno;
}

static int drop(const char *path)
{
    return rmdir(path) == 0 ? 0 : -errno;
}

static int write_text(const char *path, const char *text)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    return write(fd, text, strlen(text)) >= 0 ? 0 : -errno;
}

static int read_text(const char *path, struct strbuf *out)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? 1 : -1;
    while (n > 0 && out->n < MOST_BYTES) {
        char chunk[CHUNK_BYTES];
        n = read(fd, chunk, sizeof chunk);
        if (n > 0) {
            strbuf_append(out, chunk, (size_t)n);
        }
    }
    return n >= 0 ? 0 : -errno;
}

/* The lock is the kernel's: it is gone with its holder, however that ends. */
static int lock(const char *path, int *out_fd)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat held;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return -errno;
    }
    /* Another one may have removed it between the two. */
    if (fstat(fd, &held) != 0 || access(path, F_OK) != 0 || held.st_nlink == 0) {
        return -ENOENT;
    }
    *out_fd = fd;
    fd = -1;
    return 0;
}

const struct cgroup_files cgroup_files_real = {
    .make = make, .remove = drop, .write = write_text, .read = read_text, .lock = lock};

/* ---- texts ---- */

/* Digits at the start of `text`, and how many; 0: none, or too much for any count. */
static size_t parse_digits(struct str text, uint64_t *out_number)
{
    size_t n = 0;
    uint64_t number = 0;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9') {
        uint64_t digit = (uint64_t)(text.p[n] - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        number = number * 10 + digit;
        n++;
    }
    *out_number = number;
    return n;
}

static struct str take_line(struct str *text)
{
    const char *end = memchr(text->p, '\n', text->n);
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    struct str line = str_make(text->p, n);
    size_t used = end != NULL ? n + 1 : n;
    *text = str_make(text->p + used, text->n - used);
    return line;
}

uint64_t cgroup_files_number(struct str text, const char *name)
{
    struct str key = str_from(name);
    while (text.n > 0) {
        struct str line = take_line(&text);
        uint64_t number = 0;
        if (str_starts_with(line, key) && line.n > key.n && line.p[key.n] == ' ') {
            struct str value = str_make(line.p + key.n + 1, line.n - key.n - 1);
            size_t n = parse_digits(value, &number);
            return n > 0 && n == value.n ? number : 0;
        }
    }
    return 0;
}

void cgroup_files_each_pid(struct str text, bool (*each)(void *user, int pid), void *user)
{
    bool goes_on = true;
    while (text.n > 0 && goes_on) {
        struct str line = take_line(&text);
        uint64_t pid = 0;
        size_t n = parse_digits(line, &pid);
        if (n > 0 && n == line.n && pid <= INT32_MAX) {
            goes_on = each(user, (int)pid);
        }
    }
}
