/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_file.h"
#include "core/loop/secret_keys.h"

enum { LINE_END_BYTES = 2 };

/* In a folder that others may write to, anybody may put a secret, or take one's place. */
static int check_folder(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot look at '%s'", path);
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return error_set(err, E_INVALID, "the folder '%s' belongs to user %u, who could change it",
                         path, (unsigned)st.st_uid);
    }
    if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0) {
        return error_set(err, E_INVALID,
                         "the folder '%s' can be written to by everybody: use chmod o-w '%s'", path,
                         path);
    }
    return 0;
}

/* A service's folder, say, when somebody else runs a pipeline: what is in it is not for them. */
static bool is_closed_to_us(int folder)
{
    struct stat st;
    return fstat(folder, &st) == 0 && st.st_uid != geteuid() && st.st_uid != 0 &&
           faccessat(folder, ".", X_OK, AT_EACCESS) != 0 && errno == EACCES;
}

/* A descriptor; SECRETS_ABSENT does as one that is not there, so it is never 0 or 1 here. */
static int open_folder(const struct secret_files *files, int *out_fd, struct error *err)
{
    int fd = open(files->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && !files->is_asked_for) {
        return SECRETS_ABSENT;
    }
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot open %s of secrets '%s'", files->label,
                               files->folder);
    }
    if (is_closed_to_us(fd)) {
        (void)close(fd);
        return SECRETS_ABSENT;
    }
    *out_fd = fd;
    return 0;
}

static struct str without_line_end(struct str text)
{
    text.n -= str_ends_with(text, STR("\n")) ? 1 : 0;
    text.n -= str_ends_with(text, STR("\r")) ? 1 : 0;
    return text;
}

/* The value in memory that fits it. */
static int take(const struct secret_file *file, struct secrets_reading *out_reading,
                struct error *err)
{
    struct str value = without_line_end(str_make(file->p, file->n));
    char *p = guarded_alloc(value.n + 1);
    if (p == NULL) {
        return error_nomem(err);
    }
    memcpy(p, value.p, value.n);
    *out_reading = (struct secrets_reading){.p = p, .n = value.n, .stamp = file->stamp};
    return 0;
}

static bool may_be_file(struct str name)
{
    return name.n > 0 && name.n <= SECRETS_MAX_NAME_BYTES && name.p[0] != '.' &&
           memchr(name.p, '/', name.n) == NULL && !str_equal_text(name, SECRET_KEYS_CREDENTIAL);
}

int secret_files_read(const struct secret_files *files, struct str name, uint64_t known,
                      struct secrets_reading *out_reading, struct error *err)
{
    struct secret_file file = {0};
    struct strbuf path = STRBUF_INIT;
    cleanup_fd int folder = -1;
    if (files->folder == NULL || !may_be_file(name)) {
        return SECRETS_ABSENT;
    }
    int status = open_folder(files, &folder, err);
    if (status != 0) {
        return status;
    }
    strbuf_append_format(&path, "%s/%.*s", files->folder, STR_ARG(name));
    if (strbuf_status(&path) != 0) {
        return error_nomem(err);
    }
    const struct secret_file_wish wish = {.folder = folder,
                                          .path = path.p,
                                          .flags = SECRET_FILE_GROUP_READS | SECRET_FILE_LINKS,
                                          .limit_bytes = SECRETS_MAX_BYTES + LINE_END_BYTES,
                                          .known = known};
    status = secret_file_read(&wish, &file, err);
    if (status == 0 || status == SECRET_FILE_UNCHANGED) {
        int checked = check_folder(folder, files->folder, err);
        status = checked != 0 ? checked : status;
    }
    status = status == 0                       ? take(&file, out_reading, err)
             : status == SECRET_FILE_UNCHANGED ? SECRETS_UNCHANGED
             : status == E_NOT_FOUND           ? SECRETS_ABSENT
                                               : status;
    secret_file_finish(&file);
    strbuf_finish(&path);
    return status;
}
