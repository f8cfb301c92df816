/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.lines: the lines of a file as a stream, as text or JSON.
 *
 * Reading blocks, so it is done in jobs; when the consumer is behind, the thread goes back to the
 * pool, and the next job begins once there is credit. Only the lines on their way are in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions.h"

enum { FIRST_BYTES = 64 * 1024, LINE_MAX_BYTES = 1024 * 1024, LINES_PER_JOB = 10000 };

/* In the task's memory; what else it holds ends with lines_close(). */
struct lines {
    const struct ops_node *node;
    ops_task task;
    ops_str path;
    int is_json;
    uint64_t max_line_bytes;
    struct place place;
    int is_open;
    int fd;
    char *bytes; /* those from `first` to `end` wait; the line in hand ends before `next` */
    size_t cap;
    size_t first;
    size_t next;
    size_t end;
    int is_at_end;
    uint64_t number; /* of the line in hand, from 1 */
    uint64_t emitted;
    uint64_t size;
};

static void lines_close(struct lines *lines)
{
    if (lines->is_open) {
        (void)close(lines->fd); /* it was only read */
        place_finish(&lines->place);
        free(lines->bytes);
    }
    lines->is_open = 0;
}

/* 0 or a negative errno: of something that is no ordinary file. */
static int check_type(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return -errno;
    }
    if (S_ISDIR(info.st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(info.st_mode) ? 0 : -EMEDIUMTYPE;
}

/* 1, or 0 when the task has been ended, with the reason. */
static int lines_open(struct lines *lines)
{
    if (lines->is_open) {
        return 1;
    }
    if (!place_find(lines->node, lines->task, lines->path, &lines->place)) {
        return 0;
    }
    lines->bytes = malloc(FIRST_BYTES);
    lines->cap = FIRST_BYTES;
    /* Non-blocking: opening a named pipe would wait for its other end. */
    lines->fd = lines->bytes != NULL ? place_open(&lines->place, O_RDONLY | O_NONBLOCK | O_NOCTTY)
                                     : -ENOMEM;
    int status = lines->fd >= 0 ? check_type(lines->fd) : lines->fd;
    if (status != 0) {
        place_fail(lines->task, -status, &lines->place);
        if (lines->fd >= 0) {
            (void)close(lines->fd);
        }
        place_finish(&lines->place);
        free(lines->bytes);
        return 0;
    }
    lines->is_open = 1;
    return 1;
}

/* ---- Lines ---- */

/* More bytes behind those that wait. 0 or a negative errno; EFBIG: the line is too long. */
static int lines_fill(struct lines *lines)
{
    size_t waiting = lines->end - lines->first;
    memmove(lines->bytes, lines->bytes + lines->first, waiting);
    lines->first = 0;
    lines->end = waiting;
    if (waiting > lines->max_line_bytes) {
        return -EFBIG;
    }
    if (waiting == lines->cap) {
        char *grown = realloc(lines->bytes, lines->cap * 2);
        if (grown == NULL) {
            return -ENOMEM;
        }
        lines->bytes = grown;
        lines->cap *= 2;
    }
    ssize_t got = 0;
    do {
        got = read(lines->fd, lines->bytes + waiting, lines->cap - waiting);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return -errno;
    }
    lines->end += (size_t)got;
    lines->size += (uint64_t)got;
    lines->is_at_end = got == 0;
    return 0;
}

/* The next line, without its end. 1, 0 behind the last one, or a negative errno. */
static int lines_next(struct lines *lines, ops_str *out)
{
    size_t looked = 0; /* bytes of the line in which there is no end */
    for (;;) {
        const char *begin = lines->bytes + lines->first;
        size_t waiting = lines->end - lines->first;
        const char *found = memchr(begin + looked, '\n', waiting - looked);
        size_t n = found != NULL ? (size_t)(found - begin) : waiting;
        if (found != NULL || lines->is_at_end) {
            lines->next = lines->first + n + (found != NULL ? 1 : 0);
            *out = ops_slice(begin, n > 0 && begin[n - 1] == '\r' ? n - 1 : n);
            return n > lines->max_line_bytes ? -EFBIG : lines->next > lines->first;
        }
        looked = waiting;
        int status = lines_fill(lines);
        if (status != 0) {
            return status;
        }
    }
}

static void lines_fail(struct lines *lines, int errnum)
{
    if (errnum == EFBIG) {
        ops_fail_format(lines->task, OPS_E_INPUT, "line %llu of '%.600s' is longer than %llu bytes",
                        (unsigned long long)lines->number + 1, lines->place.path,
                        (unsigned long long)lines->max_line_bytes);
    } else {
        place_fail(lines->task, errnum, &lines->place);
    }
}

static void lines_fail_content(struct lines *lines, ops_status status, const ops_error *why)
{
    ops_str reason = why->message.n > 0 ? why->message : ops_text("it is not UTF-8");
    if (status == OPS_E_INPUT) {
        ops_fail_format(lines->task, OPS_E_INPUT, "line %llu of '%.600s': %.*s",
                        (unsigned long long)lines->number + 1, lines->place.path,
                        (int)(reason.n < 300 ? reason.n : 300), reason.p);
    } else {
        ops_fail_text(lines->task, status, "a line could not be emitted");
    }
}

static int is_blank(ops_str line)
{
    uint64_t i = 0;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t')) {
        i++;
    }
    return i == line.n;
}

/* ---- Emitting ---- */

static ops_status emit_line(struct lines *lines, ops_scope scope, ops_str line, ops_error *why)
{
    ops_val item = 0;
    if (lines->is_json && is_blank(line)) {
        return OPS_OK;
    }
    ops_status status = lines->is_json ? ops.value->from_json(ops.h, scope, line, &item, why)
                                       : ops.value->new_str(ops.h, scope, line, &item);
    if (status == OPS_OK) {
        status = ops.exec->emit(ops.h, lines->task, ops_text(NULL), item);
    }
    lines->emitted += status == OPS_OK ? 1 : 0;
    return status;
}

static void complete(struct lines *lines)
{
    struct ops_map map = ops_map_begin(lines->task);
    ops_map_text(&map, "path", lines->place.path);
    ops_map_i64(&map, "count", (int64_t)lines->emitted);
    ops_map_i64(&map, "size", (int64_t)lines->size);
    ops_complete_map(lines->task, &map);
}

/* 1: there may be more, after a pause. 0: the task has been ended. */
static int emit_some(struct lines *lines, ops_scope scope)
{
    for (int i = 0; i < LINES_PER_JOB; i++) {
        ops_str line = ops_text(NULL);
        ops_error why = {.size = sizeof(why)};
        int found = lines_next(lines, &line);
        if (found < 0) {
            lines_fail(lines, -found);
            return 0;
        }
        if (found == 0) {
            complete(lines);
            return 0;
        }
        ops_status status = emit_line(lines, scope, line, &why);
        if (status == OPS_E_WOULD_BLOCK || ops.exec->cancelled(ops.h, lines->task) != 0) {
            return 1;
        }
        if (status != OPS_OK) {
            lines_fail_content(lines, status, &why);
            return 0;
        }
        lines->first = lines->next;
        lines->number++;
    }
    return 1;
}

/* On a thread of the pool. */
static void lines_work(void *user)
{
    struct lines *lines = user;
    ops_scope scope = 0;
    if (!lines_open(lines)) {
        return;
    }
    ops_status status = ops.value->scope_open(ops.h, lines->task, &scope);
    if (status != OPS_OK) {
        ops_fail_text(lines->task, status, "out of memory");
    }
    if (status != OPS_OK || !emit_some(lines, scope)) {
        lines_close(lines);
    }
    (void)ops.value->scope_close(ops.h, scope); /* or it ends with the task */
}

static void lines_done(void *user, ops_task task, ops_status status);

/* There is credit, or the task is cancelled. */
static void lines_go_on(void *user, ops_task task)
{
    struct lines *lines = user;
    ops_status status = OPS_E_CANCELLED;
    if (ops.exec->cancelled(ops.h, task) == 0) {
        status = ops.job->run(ops.h, task, lines_work, lines_done, lines, NULL);
    }
    if (status != OPS_OK) {
        lines_close(lines);
        ops_fail_text(task, status,
                      status == OPS_E_CANCELLED ? "stopped while reading"
                                                : "no thread could be had to read on");
    }
}

static void lines_done(void *user, ops_task task, ops_status status)
{
    struct lines *lines = user;
    if (status == OPS_OK) {
        status = ops.exec->on_writable(ops.h, task, lines_go_on, lines);
    }
    if (status != OPS_OK) {
        lines_close(lines);
        ops_fail_text(task, status, "stopped while reading");
    }
}

void file_lines_execute(ops_node *node, ops_task task, ops_val config)
{
    struct lines *lines = ops_task_alloc(task, sizeof(*lines));
    if (lines == NULL) {
        return;
    }
    lines->node = node;
    lines->task = task;
    lines->path = ops_get_str(config, "path", "");
    lines->is_json = ops_equal(ops_get_str(config, "as", "text"), "json");
    lines->max_line_bytes = (uint64_t)ops_get_i64(config, "max_line_bytes", LINE_MAX_BYTES);
    lines_go_on(lines, task);
}
