/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment cannot be changed while threads read it. So the variable has room from the
 * beginning: a folder is written behind the end of the list, and then the end becomes a ':'.
 */
#include "core/cli/private_folders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/str.h"

#define BEGIN PRIVATE_FOLDERS_VARIABLE "="

enum { ENTRY_BYTES = 64 * 1024, BEGIN_BYTES = sizeof(BEGIN) - 1 };

static char entry[ENTRY_BYTES] = BEGIN;
static size_t entry_n; /* 0: it is not in the environment yet */

/* `rest` of a path behind what is there, in `out`; nothing of it can be a link. */
static void append_rest(const char *rest, struct strbuf *out)
{
    while (*rest != '\0') {
        rest += strspn(rest, "/");
        struct str part = str_make(rest, strcspn(rest, "/"));
        rest += part.n;
        if (str_equal_text(part, "..")) {
            while (out->n > 0 && out->p[--out->n] != '/') {
            }
        } else if (part.n > 0 && !str_equal_text(part, ".")) {
            strbuf_append_format(out, "/%.*s", STR_ARG(part));
        }
    }
}

/* As realpath(3), also of what is not there, or not for us to look at; NULL: out of memory. */
static char *resolve(const char *path)
{
    struct strbuf out = STRBUF_INIT;
    cleanup_free char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    strbuf_append_format(&out, "%s/%s", here != NULL ? here : "", path);
    cleanup_free char *whole = strbuf_take(&out);
    if (whole == NULL) {
        return NULL;
    }
    size_t n = strlen(whole);
    cleanup_free char *real = realpath(whole, NULL);
    while (real == NULL && n > 0) {
        while (whole[--n] != '/') {
        }
        whole[n] = '\0'; /* what is behind it follows as it is written */
        real = realpath(n > 0 ? whole : "/", NULL);
        whole[n] = '/';
    }
    strbuf_append_text(&out, real != NULL && strcmp(real, "/") != 0 ? real : "");
    append_rest(whole + n, &out);
    strbuf_append_text(&out, strbuf_str(&out).n == 0 ? "/" : "");
    return strbuf_take(&out);
}

static char *escape(const char *path)
{
    struct strbuf out = STRBUF_INIT;
    for (; *path != '\0'; path++) {
        strbuf_append_text(&out, *path == ':' || *path == '\\' ? "\\" : "");
        strbuf_append_char(&out, *path);
    }
    return strbuf_take(&out);
}

static bool has(struct str wanted)
{
    const char *at = entry + BEGIN_BYTES;
    while (*at != '\0') {
        size_t n = 0;
        while (at[n] != '\0' && at[n] != ':') {
            n += at[n] == '\\' ? 2 : 1;
        }
        if (str_equal(str_make(at, n), wanted)) {
            return true;
        }
        at += n + (at[n] == ':' ? 1 : 0);
    }
    return false;
}

static int add(struct str folder, struct error *err)
{
    bool is_first = entry_n == BEGIN_BYTES;
    size_t begin = entry_n + (is_first ? 0 : 1);
    if (begin + folder.n + 1 > ENTRY_BYTES) {
        return error_set(err, E_LIMIT, "there are too many private folders to add '%.*s'",
                         STR_ARG(folder));
    }
    memcpy(entry + begin + 1, folder.p + 1, folder.n - 1);
    entry[begin + folder.n] = '\0';
    if (!is_first) {
        entry[begin] = folder.p[0];
    }
    __atomic_store_n(&entry[entry_n], is_first ? folder.p[0] : ':', __ATOMIC_RELEASE);
    entry_n = begin + folder.n;
    return 0;
}

int private_folders_add(const char *path, struct error *err)
{
    if (path == NULL || path[0] == '\0') {
        return 0;
    }
    cleanup_free char *real = resolve(path);
    cleanup_free char *folder = real != NULL ? escape(real) : NULL;
    if (folder == NULL) {
        return error_nomem(err);
    }
    if (entry_n == 0 && putenv(entry) != 0) {
        return error_nomem(err);
    }
    entry_n = entry_n == 0 ? BEGIN_BYTES : entry_n;
    return has(str_from(folder)) ? 0 : add(str_from(folder), err);
}
