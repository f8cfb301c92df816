/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last line of stdout may be the result, and only the end of the child tells which line was the
 * last: the line that is being written and the last whole one with text are held back from the log.
 */
#include "run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_TAIL_BYTES = 8192, LOG_LINE_BYTES = 8192 };

/* The host may end a task without telling, when it is killed: its run is found here at the end. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct run *first_run;

struct run *run_create(ops_task task)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return NULL;
    }
    run->task = task;
    (void)pthread_mutex_lock(&mutex);
    run->next = first_run;
    run->prev = &first_run;
    if (first_run != NULL) {
        first_run->prev = &run->next;
    }
    first_run = run;
    (void)pthread_mutex_unlock(&mutex);
    return run;
}

void run_destroy_all(void)
{
    while (first_run != NULL) {
        run_destroy(first_run);
    }
}

void run_destroy(struct run *run)
{
    (void)pthread_mutex_lock(&mutex);
    *run->prev = run->next;
    if (run->next != NULL) {
        run->next->prev = run->prev;
    }
    (void)pthread_mutex_unlock(&mutex);
    text_finish(&run->out);
    text_finish(&run->errors);
    text_finish(&run->answer);
    free(run);
}

static void log_line(const struct run *run, ops_str line, uint32_t level)
{
    if (text_trim(line).n == 0 || ops.log == NULL) {
        return;
    }
    if (line.n > LOG_LINE_BYTES) {
        line.n = LOG_LINE_BYTES;
    }
    struct text clean = {0};
    text_add_clean(&clean, line);
    if (!clean.is_failed) {
        ops.log->write(ops.h, run->task, level, text_slice(&clean), NULL, NULL, 0);
    }
    text_finish(&clean);
}

static void log_lines(const struct run *run, ops_str text, uint32_t level)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', (size_t)text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : (size_t)text.n;
        log_line(run, ops_slice(text.p, n), level);
        n += end != NULL;
        text = ops_slice(text.p + n, text.n - n);
    }
}

static void text_drop_front(struct text *text, size_t n)
{
    memmove(text->p, text->p + n, text->n - n);
    text->n -= n;
    text->p[text->n] = '\0';
}

/* The place behind the last line break in [begin, text->n), else `begin`. */
static size_t text_find_line_end(const struct text *text, size_t begin)
{
    size_t end = text->n;
    while (end > begin && text->p[end - 1] != '\n') {
        end--;
    }
    return end;
}

/*
 * Logs all lines before the last one that is whole and has text; `end` is behind all that are
 * whole. Lines without text are dropped, and the one that was kept is not looked at again.
 */
static void log_what_is_not_last(struct run *run, size_t end)
{
    struct text *out = &run->out;
    ops_str last = text_last_line(ops_slice(out->p + run->kept_n, end - run->kept_n));
    size_t last_end = run->kept_n;
    if (last.n > 0) {
        size_t begin = (size_t)(last.p - out->p);
        log_lines(run, ops_slice(out->p, begin), OPS_LOG_INFO);
        text_drop_front(out, begin);
        end -= begin;
        last_end = (size_t)last.n;
        out->p[last_end++] = '\n'; /* in place of the line's own end */
    }
    run->kept_n = last_end;
    memmove(out->p + last_end, out->p + end, out->n - end);
    out->n -= end - last_end;
    out->p[out->n] = '\0';
}

void run_take_stdout(struct run *run, ops_str bytes)
{
    size_t before = run->out.n;
    text_add(&run->out, bytes);
    if (run->mode == RESULT_TEXT || run->out.is_failed) {
        return;
    }
    /* Only what is new is searched: a line may be as long as the limit of the output. */
    size_t end = text_find_line_end(&run->out, before);
    if (end > before) {
        log_what_is_not_last(run, end);
    }
}

void run_take_stderr(struct run *run, ops_str bytes)
{
    struct text *errors = &run->errors;
    text_add(errors, bytes);
    if (errors->is_failed) {
        return;
    }
    size_t end = text_find_line_end(errors, run->error_begin);
    log_lines(run, ops_slice(errors->p + run->error_begin, end - run->error_begin), OPS_LOG_WARN);
    run->error_begin = end;
    if (errors->n > (size_t)4 * ERROR_TAIL_BYTES) {
        size_t before = errors->n;
        text_keep_last(errors, ERROR_TAIL_BYTES);
        size_t dropped = before - errors->n;
        run->error_begin = run->error_begin > dropped ? run->error_begin - dropped : 0;
    }
}

void run_flush(struct run *run, ops_str result)
{
    ops_str out = text_slice(&run->out);
    if (run->mode != RESULT_TEXT && out.n > 0) {
        size_t n = result.n > 0 ? (size_t)(result.p - out.p) : (size_t)out.n;
        log_lines(run, ops_slice(out.p, n), OPS_LOG_INFO);
    }
    struct text *errors = &run->errors;
    if (errors->n > run->error_begin) {
        log_line(run, ops_slice(errors->p + run->error_begin, errors->n - run->error_begin),
                 OPS_LOG_WARN);
    }
    text_keep_last(errors, ERROR_TAIL_BYTES);
}
