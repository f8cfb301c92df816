/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/escape.h"
#include "core/base/fd.h"
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

void terminal_append_safe(struct strbuf *out, struct str text)
{
    while (text.n > 0) {
        const char *tab = memchr(text.p, '\t', text.n);
        size_t n = tab != NULL ? (size_t)(tab - text.p) : text.n;
        escape_append_text(out, str_make(text.p, n));
        if (tab != NULL) {
            strbuf_append_text(out, "    ");
            n++;
        }
        text = str_make(text.p + n, text.n - n);
    }
}

void terminal_append_line(struct strbuf *out, struct str text)
{
    const char *gap = "";
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct str words = str_trim(str_make(text.p, n));
        n += end != NULL ? 1 : 0;
        text = str_make(text.p + n, text.n - n);
        if (words.n == 0) {
            continue;
        }
        strbuf_append_text(out, gap);
        terminal_append_safe(out, words);
        gap = " ";
    }
}

void terminal_append_json(struct strbuf *out, const struct value *value, enum json_style style)
{
    struct strbuf text = STRBUF_INIT;
    json_write(value, style, &text);
    struct str rest = strbuf_str(&text);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        escape_append_text(out, str_make(rest.p, n));
        if (end != NULL) {
            strbuf_append_char(out, '\n');
            n++;
        }
        rest = str_make(rest.p + n, rest.n - n);
    }
    out->failed = out->failed || strbuf_status(&text) != 0;
    strbuf_finish(&text);
}

/* The character at the start of `text`: its bytes, and its columns in `*out_columns`. */
static size_t measure_character(struct str text, size_t *out_columns)
{
    uint32_t code = 0;
    size_t n = utf8_decode(text.p, text.n, &code);
    *out_columns = n == 0 ? 1 : utf8_width(code);
    return n == 0 ? 1 : n;
}

size_t terminal_fit(struct str text, size_t columns)
{
    size_t used = 0;
    size_t i = 0;
    while (i < text.n) {
        size_t width = 0;
        size_t n = measure_character(str_make(text.p + i, text.n - i), &width);
        used += width;
        if (used > columns) {
            return i;
        }
        i += n;
    }
    return i;
}

size_t terminal_width(struct str text)
{
    size_t total = 0;
    for (size_t i = 0; i < text.n;) {
        size_t width = 0;
        i += measure_character(str_make(text.p + i, text.n - i), &width);
        total += width;
    }
    return total;
}

size_t terminal_safe_width(struct str text)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, text);
    size_t width = strbuf_status(&safe) == 0 ? terminal_width(strbuf_str(&safe)) : 0;
    strbuf_finish(&safe);
    return width;
}

int terminal_write_stdout(struct str text)
{
    int errnum = fd_write_all(STDOUT_FILENO, text);
    if (errnum == 0) {
        return EXIT_DONE;
    }
    return command_error(EXIT_STATE, "cannot write the output: %s", strerror(errnum));
}

void terminal_write_stderr(struct str text)
{
    (void)fd_write_all(STDERR_FILENO, text);
}
