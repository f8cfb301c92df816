/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/base/str.h"

static int read_all(int fd, const char *name, size_t limit, struct strbuf *text, struct error *err)
{
    for (;;) {
        char *room = strbuf_reserve(text, 65536);
        if (room == NULL) {
            return error_nomem(err);
        }
        ssize_t n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_set_errno(err, E_IO, errno, "cannot read '%s'", name);
        }
        text->n += (size_t)n;
        text->p[text->n] = '\0';
        if (n == 0 || text->n >= limit) {
            return 0;
        }
    }
}

int file_text_read(const char *name, size_t limit, char **out_text, size_t *out_size,
                   struct error *err)
{
    bool is_stdin = strcmp(name, "-") == 0;
    cleanup_fd int opened = is_stdin ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    int fd = is_stdin ? STDIN_FILENO : opened;
    if (fd < 0) {
        int code = errno == ENOENT ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "cannot open '%s'", name);
    }
    struct strbuf text = STRBUF_INIT;
    int status = read_all(fd, name, limit + 1, &text, err);
    if (status == 0 && text.n > limit) {
        char most[QUANTITY_TEXT_SIZE];
        quantity_format_size((int64_t)limit, most);
        status = error_set(err, E_LIMIT, "'%s' is larger than %s", name, most);
    }
    if (status != 0) {
        strbuf_finish(&text);
        return status;
    }
    *out_size = text.n;
    *out_text = strbuf_take(&text);
    return *out_text == NULL ? error_nomem(err) : 0;
}
