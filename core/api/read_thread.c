/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/read_thread.h"

#include <stdlib.h>
#include <uv.h>

#include "core/api/answer.h"
#include "core/api/exchange.h"
#include "core/api/route.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"

struct job {
    struct job *next;
    struct arena arena; /* what the query is made of */
    struct route_match match;
    struct query query;
    struct api_numbers numbers;
    struct str live;
    int64_t now_unix_ms;
    struct answer answer;
    bool is_made;
    read_reply_cb cb;
    void *user;
};

/* First in, first out. */
struct job_list {
    struct job *first;
    struct job *last;
};

struct read_thread {
    const char *folder;
    uv_async_t answered;
    uv_thread_t thread;
    uv_mutex_t lock; /* for what follows, up to the blank line */
    uv_cond_t asked;
    struct job_list waiting;
    struct job_list done;
    bool is_ending;

    uint32_t count; /* of jobs that are not answered yet */
    bool has_thread;
    struct journal_reader *reader; /* the thread's own */
};

static void push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = job;
    list->last = job;
}

static struct job *pop(struct job_list *list)
{
    struct job *job = list->first;
    if (job != NULL) {
        list->first = job->next;
        list->last = list->first != NULL ? list->last : NULL;
    }
    return job;
}

static void job_destroy(struct job *job)
{
    answer_finish(&job->answer);
    arena_finish(&job->arena);
    free(job);
}

/* ---- the thread ---- */

/* The file may not be there yet, or not to be read just now: the next question tries again. */
static int open_reader(struct read_thread *thread, struct error *err)
{
    if (thread->reader != NULL) {
        return 0;
    }
    int status = journal_reader_open(thread->folder, &thread->reader, err);
    return status == E_NOT_FOUND ? 0 : status;
}

static void answer(struct read_thread *thread, struct job *job)
{
    struct error err = {0};
    if (open_reader(thread, &err) != 0) {
        job->is_made = answer_failure(&job->answer, &err, NULL) == 0;
        return;
    }
    const struct route_request request = {.query = job->query,
                                          .reader = thread->reader,
                                          .numbers = &job->numbers,
                                          .live = job->live,
                                          .now_unix_ms = job->now_unix_ms};
    job->is_made = route_read(&request, &job->match, &job->answer, NULL) == 0;
}

/* The next question; NULL: there will be none. */
static struct job *wait_for_job(struct read_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    while (thread->waiting.first == NULL && !thread->is_ending) {
        uv_cond_wait(&thread->asked, &thread->lock);
    }
    struct job *job = thread->is_ending ? NULL : pop(&thread->waiting);
    uv_mutex_unlock(&thread->lock);
    return job;
}

static void work(void *user)
{
    struct read_thread *thread = user;
    struct job *job = NULL;
    while ((job = wait_for_job(thread)) != NULL) {
        answer(thread, job);
        uv_mutex_lock(&thread->lock);
        push(&thread->done, job);
        uv_mutex_unlock(&thread->lock);
        (void)uv_async_send(&thread->answered); /* fails only on a closed handle */
    }
    journal_reader_close(thread->reader);
    thread->reader = NULL;
}

/* ---- the loop's side ---- */

static void tell(struct read_thread *thread, struct job *job)
{
    thread->count--;
    if (thread->count == 0) {
        uv_unref((uv_handle_t *)&thread->answered);
    }
    job->cb(job->user, job->is_made ? &job->answer : NULL);
    job_destroy(job);
}

static struct job *take_done(struct read_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    struct job *job = pop(&thread->done);
    uv_mutex_unlock(&thread->lock);
    return job;
}

static void on_answered(uv_async_t *async)
{
    struct read_thread *thread = async->data;
    struct job *job = NULL;
    while ((job = take_done(thread)) != NULL) {
        tell(thread, job);
    }
}

int read_thread_open(struct uv_loop_s *loop, const char *folder, struct read_thread **out_thread,
                     struct error *err)
{
    struct read_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL) {
        return error_nomem(err);
    }
    thread->folder = folder;
    int status = uv_mutex_init(&thread->lock);
    if (status != 0) {
        goto free_thread;
    }
    status = uv_cond_init(&thread->asked);
    if (status != 0) {
        goto destroy_lock;
    }
    status = uv_async_init(loop, &thread->answered, on_answered);
    if (status != 0) {
        goto destroy_cond;
    }
    thread->answered.data = thread;
    uv_unref((uv_handle_t *)&thread->answered); /* only answers to come keep the loop at work */
    *out_thread = thread;
    return 0;
destroy_cond:
    uv_cond_destroy(&thread->asked);
destroy_lock:
    uv_mutex_destroy(&thread->lock);
free_thread:
    free(thread);
    return status == UV_ENOMEM
               ? error_nomem(err)
               : error_set(err, E_IO, "reading cannot begin: %s", uv_strerror(status));
}

static void on_closed(uv_handle_t *handle)
{
    struct read_thread *thread = handle->data;
    uv_cond_destroy(&thread->asked);
    uv_mutex_destroy(&thread->lock);
    free(thread);
}

static void end(struct read_thread *thread)
{
    if (thread->has_thread) {
        uv_mutex_lock(&thread->lock);
        thread->is_ending = true;
        uv_cond_signal(&thread->asked);
        uv_mutex_unlock(&thread->lock);
        (void)uv_thread_join(&thread->thread); /* cannot fail for a thread that runs */
    }
}

void read_thread_close(struct read_thread *thread)
{
    struct job *job = NULL;
    if (thread == NULL) {
        return;
    }
    end(thread);
    on_answered(&thread->answered);
    while ((job = pop(&thread->waiting)) != NULL) { /* nobody else is there any more */
        tell(thread, job);
    }
    uv_close((uv_handle_t *)&thread->answered, on_closed);
}

static bool copy_query(struct job *job, const struct query *query)
{
    struct api_parameter *params =
        arena_calloc(&job->arena, query->count + 1, sizeof(*params)); /* none is fine */
    bool is_well = params != NULL;
    for (size_t i = 0; is_well && i < query->count; i++) {
        params[i].name = arena_dup_str(&job->arena, query->params[i].name);
        params[i].value = arena_dup_str(&job->arena, query->params[i].value);
        is_well = params[i].name.p != NULL && params[i].value.p != NULL;
    }
    job->query = (struct query){.params = params, .count = query->count};
    return is_well;
}

static struct job *job_create(const struct read_question *question)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    job->match = *question->match;
    job->numbers = question->numbers;
    job->now_unix_ms = question->now_unix_ms;
    job->live = arena_dup_str(&job->arena, question->live);
    if (job->live.p == NULL || !copy_query(job, &question->query)) {
        job_destroy(job);
        return NULL;
    }
    return job;
}

static int start(struct read_thread *thread, struct error *err)
{
    int status = thread->has_thread ? 0 : uv_thread_create(&thread->thread, work, thread);
    if (status != 0) {
        return error_set(err, E_IO, "no thread can be started: %s", uv_strerror(status));
    }
    thread->has_thread = true;
    return 0;
}

int read_thread_ask(struct read_thread *thread, const struct read_question *question,
                    read_reply_cb cb, void *user, struct error *err)
{
    if (thread->count >= READ_THREAD_MOST) {
        return error_set(err, E_LIMIT, "%d questions wait, as many as may", (int)READ_THREAD_MOST);
    }
    int status = start(thread, err);
    struct job *job = status == 0 ? job_create(question) : NULL;
    if (job == NULL) {
        return status != 0 ? status : error_nomem(err);
    }
    job->cb = cb;
    job->user = user;
    thread->count++;
    uv_ref((uv_handle_t *)&thread->answered);
    uv_mutex_lock(&thread->lock);
    push(&thread->waiting, job);
    uv_cond_signal(&thread->asked);
    uv_mutex_unlock(&thread->lock);
    return 0;
}
