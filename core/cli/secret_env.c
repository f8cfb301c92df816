/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/base/str.h"
#include "core/loop/background.h"
#include "core/value/secrets.h"

static char *find_entry(void)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (str_starts_with(str_from(*at), STR(SECRETS_VARIABLE_PREFIX)) && strchr(*at, '=')) {
            return *at;
        }
    }
    return NULL;
}

/*
 * The text is cleared as well, because /proc/PID/environ goes on showing the memory that the
 * program was started with.
 */
static int remove_entry(char *entry)
{
    const char *equals = strchr(entry, '=');
    char *name = str_dup(str_make(entry, (size_t)(equals - entry)));
    explicit_bzero(entry + (equals - entry) + 1, strlen(equals + 1));
    int status = name != NULL && unsetenv(name) == 0 ? 0 : E_NOMEM;
    free(name);
    return status;
}

/* ---- handed over ---- */

/* What was read of the file: entries, each with its NUL. */
struct handed {
    char *p;
    size_t n;
    size_t size;
};

static int read_handed(int fd, struct handed *handed, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return error_set(err, E_INVALID, "%s names no file of secrets", SECRET_ENV_HANDED_OVER);
    }
    handed->size = (size_t)st.st_size + 1;
    handed->p = guarded_alloc(handed->size);
    if (handed->p == NULL) {
        return error_nomem(err);
    }
    ssize_t n = 1;
    while (n > 0 && handed->n + 1 < handed->size) {
        n = pread(fd, handed->p + handed->n, handed->size - 1 - handed->n, (off_t)handed->n);
        handed->n += n > 0 ? (size_t)n : 0;
    }
    return n >= 0 ? 0 : error_set_errno(err, E_IO, errno, "cannot read the secrets");
}

/* The descriptor goes, so that no child has it. */
static int take_handed(struct handed *handed, struct error *err)
{
    const char *text = getenv(SECRET_ENV_HANDED_OVER);
    char expected[16];
    (void)snprintf(expected, sizeof(expected), "%d", BACKGROUND_SECRETS_FD); /* fits */
    if (text == NULL) {
        return 0;
    }
    if (strcmp(text, expected) != 0) {
        return error_set(err, E_INVALID, "%s is for this program alone: unset it",
                         SECRET_ENV_HANDED_OVER);
    }
    (void)unsetenv(SECRET_ENV_HANDED_OVER); /* fails for names that are none */
    int status = read_handed(BACKGROUND_SECRETS_FD, handed, err);
    (void)close(BACKGROUND_SECRETS_FD); /* it was only read */
    return status;
}

int secret_env_hand_over(const struct secrets *secrets, int *out_fd, struct error *err)
{
    size_t count = secrets_count(secrets);
    cleanup_fd int fd = count > 0 ? memfd_create("secrets", MFD_CLOEXEC) : -1;
    if (count > 0 && fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot hand the secrets over");
    }
    for (size_t i = 0; i < count; i++) {
        char *entry = secrets_copy_entry(secrets, i);
        if (entry == NULL) {
            return error_nomem(err);
        }
        size_t n = strlen(entry) + 1;
        bool is_written = write(fd, entry, n) == (ssize_t)n; /* memory takes it whole */
        secrets_free_entry(entry);
        if (!is_written) {
            return error_set_errno(err, E_IO, errno, "cannot hand the secrets over");
        }
    }
    *out_fd = fd;
    fd = -1;
    return 0;
}

/* ---- taken ---- */

static size_t count_all(const struct handed *handed)
{
    size_t count = 0;
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        count++;
    }
    for (size_t i = 0; i < handed->n; i++) {
        count += handed->p[i] == '\0' ? 1 : 0;
    }
    return count;
}

/* Of the environment, and what was handed over behind it. */
static int create(const struct handed *handed, struct secrets **out_secrets, struct error *err)
{
    const char **entries = calloc(count_all(handed) + 2, sizeof(*entries));
    size_t count = 0;
    if (entries == NULL) {
        return error_nomem(err);
    }
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        entries[count++] = *at;
    }
    for (size_t at = 0; at < handed->n; at += strlen(handed->p + at) + 1) {
        entries[count++] = handed->p + at;
    }
    int status = secrets_create(entries, out_secrets, err);
    free(entries);
    return status;
}

int secret_env_take(struct secrets **out_secrets, struct error *err)
{
    struct secrets *secrets = NULL;
    struct handed handed = {0};
    guarded_close_process();
    int status = take_handed(&handed, err);
    if (status == 0) {
        status = create(&handed, &secrets, err);
    }
    guarded_free(handed.p, handed.size);
    char *entry = NULL;
    int removal = 0;
    while (removal == 0 && (entry = find_entry()) != NULL) {
        removal = remove_entry(entry);
    }
    if (status == 0 && removal != 0) {
        status = error_nomem(err);
    }
    if (status != 0) {
        secrets_destroy(secrets);
        return status;
    }
    *out_secrets = secrets;
    return 0;
}
