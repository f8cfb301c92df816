/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/utf8.h"
#include "core/cli/command.h"

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return term == NULL || strcmp(term, "") == 0 || strcmp(term, "dumb") == 0;
}

bool terminal_is_live(int fd)
{
    return isatty(fd) == 1 && !is_dumb();
}

bool terminal_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    bool is_forbidden = no_color != NULL && no_color[0] != '\0';
    return !is_forbidden && terminal_is_live(fd);
}

struct terminal_size terminal_size(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        return (struct terminal_size){.rows = 24, .columns = 80};
    }
    return (struct terminal_size){.rows = size.ws_row, .columns = size.ws_col};
}

void terminal_append_color(struct strbuf *out, bool is_colored, enum terminal_color color,
                           struct str text)
{
    static const char *const codes[] = {
        [COLOR_NONE] = "",           [COLOR_RED] = "\033[31m",  [COLOR_GREEN] = "\033[32m",
        [COLOR_YELLOW] = "\033[33m", [COLOR_BLUE] = "\033[36m", [COLOR_DIM] = "\033[2m",
        [COLOR_BOLD] = "\033[1m",
    };
    bool has_codes = is_colored && color != COLOR_NONE;
    if (has_codes) {
        strbuf_append_text(out, codes[color]);
    }
    strbuf_append_str(out, text);
    if (has_codes) {
        strbuf_append_text(out, "\033[0m");
    }
}

static bool is_steering(uint32_t code)
{
    bool is_control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool is_direction = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return is_control || is_direction || code == 0x200E || code == 0x200F || code == 0xFEFF;
}

void terminal_append_safe(struct strbuf *out, struct str text)
{
    size_t i = 0;
    while (i < text.n) {
        uint32_t code = 0;
        size_t n = utf8_decode(text.p + i, text.n - i, &code);
        if (n == 0) {
            strbuf_append_format(out, "\\x%02x", (unsigned)(unsigned char)text.p[i]);
            i++;
            continue;
        }
        if (code == '\t') {
            strbuf_append_text(out, "    ");
        } else if (is_steering(code)) {
            strbuf_append_format(out, "\\u%04x", (unsigned)code);
        } else {
            strbuf_append(out, text.p + i, n);
        }
        i += n;
    }
}

/* The East Asian wide blocks and emoji; enough for aligned columns. */
static size_t character_columns(uint32_t code)
{
    bool is_combining = code >= 0x0300 && code <= 0x036F;
    if (is_combining || code == 0x200D || (code >= 0xFE00 && code <= 0xFE0F)) {
        return 0;
    }
    bool is_wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                   (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                   (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                   (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
    return is_wide ? 2 : 1;
}

size_t terminal_fit(struct str text, size_t columns)
{
    size_t i = 0;
    size_t used = 0;
    while (i < text.n) {
        uint32_t code = 0;
        size_t n = utf8_decode(text.p + i, text.n - i, &code);
        if (n == 0) {
            code = '?';
            n = 1;
        }
        used += character_columns(code);
        if (used > columns) {
            return i;
        }
        i += n;
    }
    return i;
}

size_t terminal_width(struct str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.n;) {
        uint32_t code = 0;
        size_t n = utf8_decode(text.p + i, text.n - i, &code);
        width += n == 0 ? 1 : character_columns(code);
        i += n == 0 ? 1 : n;
    }
    return width;
}

static int write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        text.p += n;
        text.n -= (size_t)n;
    }
    return 0;
}

int terminal_write_stdout(struct str text)
{
    int errnum = write_all(STDOUT_FILENO, text);
    if (errnum == 0) {
        return EXIT_DONE;
    }
    return command_error(EXIT_STATE, "cannot write the output: %s", strerror(errnum));
}

void terminal_write_stderr(struct str text)
{
    (void)write_all(STDERR_FILENO, text);
}
