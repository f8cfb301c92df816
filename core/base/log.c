/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/utf8.h"

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

/* The one sink of the process. The lock keeps a line that takes two writes in one piece. */
static struct {
    int fd;
    enum log_level level;
    enum log_format format;
    pthread_mutex_t lock;
} sink = {STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT, PTHREAD_MUTEX_INITIALIZER};

void log_set_fd(int fd)
{
    sink.fd = fd;
}

void log_set_level(enum log_level level)
{
    sink.level = level;
}

void log_set_format(enum log_format format)
{
    sink.format = format;
}

bool log_is_enabled(enum log_level level)
{
    return level <= sink.level;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

int log_level_parse(struct str name, enum log_level *out_level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (str_equal_text(name, level_names[i])) {
            *out_level = (enum log_level)i;
            return 0;
        }
    }
    return E_INVALID;
}

/* What of `text` a field may hold; what is cut off ends at a whole character. */
static struct str bounded(struct str text, const char **out_tail)
{
    *out_tail = "";
    if (text.n <= LOG_FIELD_BYTES) {
        return text;
    }
    *out_tail = "...";
    return str_make(text.p, utf8_whole_prefix(text.p, LOG_FIELD_BYTES));
}

/* A value that a reader could take for two, or for nothing, stands in quotes. */
static bool needs_quotes(struct str text)
{
    return text.n == 0 || memchr(text.p, ' ', text.n) != NULL ||
           memchr(text.p, '"', text.n) != NULL || memchr(text.p, '=', text.n) != NULL;
}

static void append_json(struct strbuf *line, struct str text)
{
    const char *tail = "";
    escape_append_json(line, bounded(text, &tail));
    if (tail[0] != '\0' && !line->failed) {
        line->n--; /* the closing quote moves behind the tail */
        strbuf_append_format(line, "%s\"", tail);
    }
}

static void append_text(struct strbuf *line, struct str text)
{
    if (needs_quotes(text)) {
        append_json(line, text);
        return;
    }
    const char *tail = "";
    escape_append_text(line, bounded(text, &tail));
    strbuf_append_text(line, tail);
}

static void append_number(struct strbuf *line, int64_t number)
{
    strbuf_append_format(line, "%" PRId64, number);
}

static void make_text_line(struct strbuf *line, const char *message, const struct log_field *fields,
                           size_t count)
{
    const char *tail = "";
    escape_append_text(line, bounded(str_from(message), &tail));
    strbuf_append_text(line, tail);
    for (size_t i = 0; i < count; i++) {
        strbuf_append_char(line, ' ');
        escape_append_text(line, str_from(fields[i].key));
        strbuf_append_char(line, '=');
        if (fields[i].kind == LOG_FIELD_INT) {
            append_number(line, fields[i].number);
        } else {
            append_text(line, fields[i].text);
        }
    }
}

static void make_json_line(struct strbuf *line, const char *message, const struct log_field *fields,
                           size_t count)
{
    append_json(line, str_from(message));
    for (size_t i = 0; i < count; i++) {
        strbuf_append_char(line, ',');
        append_json(line, str_from(fields[i].key));
        strbuf_append_char(line, ':');
        if (fields[i].kind == LOG_FIELD_INT) {
            append_number(line, fields[i].number);
        } else {
            append_json(line, fields[i].text);
        }
    }
    strbuf_append_char(line, '}');
}

/* One write(2), but for what a full pipe or a signal cut off. */
static void write_line(struct str line)
{
    (void)pthread_mutex_lock(&sink.lock); /* a static plain mutex: cannot fail */
    while (line.n > 0) {
        ssize_t n = write(sink.fd, line.p, line.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        line = str_make(line.p + n, line.n - (size_t)n);
    }
    (void)pthread_mutex_unlock(&sink.lock);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t count)
{
    if (!log_is_enabled(level)) {
        return;
    }
    int saved_errno = errno;
    char now[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(clock_unix_ms(), now);
    struct strbuf line = STRBUF_INIT;
    if (sink.format == LOG_FORMAT_JSON) {
        strbuf_append_format(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", now,
                             log_level_name(level));
        make_json_line(&line, message, fields, count);
    } else {
        strbuf_append_format(&line, "%s %s ", now, log_level_name(level));
        make_text_line(&line, message, fields, count);
    }
    strbuf_append_char(&line, '\n');
    if (strbuf_status(&line) == 0) {
        write_line(strbuf_str(&line));
    } else {
        write_line(STR("a log line was lost: out of memory\n"));
    }
    strbuf_finish(&line);
    errno = saved_errno;
}
