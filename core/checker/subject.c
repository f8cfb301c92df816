/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/host/manifest.h"
#include "core/value/schema.h"

/* No plugin is larger, and no list of configs. */
enum { FILE_MOST_BYTES = 1024 * 1024 * 1024, READ_BYTES = 1024 * 1024 };

static int read_all(int fd, const char *path, struct strbuf *out, struct error *err)
{
    ssize_t n = 0;
    do {
        char *to = strbuf_reserve(out, READ_BYTES);
        if (to == NULL) {
            return error_nomem(err);
        }
        n = read(fd, to, READ_BYTES);
        if (n < 0 && errno != EINTR) {
            return error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
        }
        out->n += n > 0 ? (size_t)n : 0;
        if (out->n > FILE_MOST_BYTES) {
            return error_set(err, E_LIMIT, "'%s' is larger than %d MiB", path,
                             FILE_MOST_BYTES / READ_BYTES);
        }
    } while (n != 0);
    return 0;
}

int subject_read_file(const char *path, struct strbuf *out, struct error *err)
{
    struct stat info;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO does not hang us */
    if (fd < 0 || fstat(fd, &info) != 0) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno, "cannot read '%s'",
                               path);
    }
    if (!S_ISREG(info.st_mode)) {
        return error_set(err, E_IO, "'%s' is no regular file", path);
    }
    return read_all(fd, path, out, err);
}

static int read_bytes(void *user, uint64_t offset, void *buffer, size_t n)
{
    const struct strbuf *bytes = user;
    memcpy(buffer, bytes->p + offset, n); /* inside: the reader has looked */
    return 0;
}

static int read_manifest(struct subject *subject, struct error *err)
{
    struct schema *form = NULL;
    int status = manifest_form_create(&form, err);
    if (status != 0) {
        return status;
    }

    struct manifest_source source = {
        .path = str_from(subject->path),
        .text = strbuf_str(&subject->note.text),
        .crc = subject->note.crc,
        .form = form,
    };
    status = manifest_read(&source, &subject->manifest, &subject->manifest_error);
    schema_destroy(form);
    return status == E_NOMEM ? error_nomem(err) : 0;
}

static int read_content(struct subject *subject, struct error *err)
{
    struct elf_source source = {&subject->bytes, subject->bytes.n, read_bytes};
    (void)elf_image_open(strbuf_str(&subject->bytes), &subject->image, &subject->image_error);
    int status = elf_note_read(&source, &subject->note, &subject->note_error);
    return status == 0 ? read_manifest(subject, err) : 0;
}

int subject_init(struct subject *subject, const char *path, struct error *err)
{
    subject->path = realpath(path, NULL);
    if (subject->path == NULL) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno, "cannot read '%s'",
                               path);
    }
    int status = subject_read_file(subject->path, &subject->bytes, err);
    if (status == 0) {
        status = read_content(subject, err);
    }
    if (status != 0) {
        subject_finish(subject);
    }
    return status;
}

void subject_finish(struct subject *subject)
{
    manifest_destroy(subject->manifest);
    strbuf_finish(&subject->note.text);
    strbuf_finish(&subject->bytes);
    free(subject->path);
    subject->manifest = NULL;
    subject->path = NULL;
}
