/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex guards everything. Threads are joined, not detached, so that a pool that was freed has
 * no thread that still looks at it: one that ends puts itself into a list, and the next caller
 * joins it.
 */
#include "core/host/job.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/error.h"

enum { STACK_BYTES = 1 << 30 };

struct worker {
    pthread_t thread;
    struct job_pool *pool;
    struct job *running;
    bool is_lost;
    pid_t tid; /* 0: it has not begun */
    struct worker *next;
};

struct job_pool {
    struct mailbox *mailbox;
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    pthread_cond_t has_ended; /* a worker */
    struct job *first;        /* that wait */
    struct job *last;
    uint32_t queued;
    struct worker *workers; /* alive */
    struct worker *ended;   /* to be joined */
    uint32_t worker_count;
    uint32_t idle_count;
    uint32_t lost_count;
    uint32_t running_count;
    uint32_t max_threads;
    bool is_stopping;
    bool is_left; /* stopped, but threads hang: nobody is to be told anything */
};

static void pool_lock(struct job_pool *pool)
{
    CHECK(pthread_mutex_lock(&pool->mutex) == 0);
}

static void pool_unlock(struct job_pool *pool)
{
    CHECK(pthread_mutex_unlock(&pool->mutex) == 0);
}

static struct timespec deadline_after(int64_t ms)
{
    struct timespec at = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
    at.tv_sec += ms / 1000;
    at.tv_nsec += (ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* ==== The queue, under the mutex ==== */

static void queue_push(struct job_pool *pool, struct job *job)
{
    job->next = NULL;
    if (pool->last != NULL) {
        pool->last->next = job;
    } else {
        pool->first = job;
    }
    pool->last = job;
    pool->queued++;
}

static struct job *queue_pop(struct job_pool *pool)
{
    struct job *job = pool->first;
    if (job != NULL) {
        pool->first = job->next;
        if (pool->first == NULL) {
            pool->last = NULL;
        }
        job->next = NULL;
        pool->queued--;
    }
    return job;
}

static bool queue_remove(struct job_pool *pool, struct job *job)
{
    struct job *before = NULL;
    struct job *at = pool->first;
    while (at != NULL && at != job) {
        before = at;
        at = at->next;
    }
    if (at == NULL) {
        return false;
    }
    if (before != NULL) {
        before->next = job->next;
    } else {
        pool->first = job->next;
    }
    if (pool->last == job) {
        pool->last = before;
    }
    job->next = NULL;
    pool->queued--;
    return true;
}

/* ==== Workers, under the mutex ==== */

/* NULL: the worker ends. A lost one always does: another has taken its place. */
static struct job *worker_wait(struct worker *worker)
{
    struct job_pool *pool = worker->pool;
    struct timespec idle_until = deadline_after(JOB_IDLE_MS);
    int status = 0;
    while (!worker->is_lost) {
        struct job *job = queue_pop(pool);
        if (job != NULL || pool->is_stopping || status == ETIMEDOUT) {
            return job;
        }
        pool->idle_count++;
        status = pthread_cond_timedwait(&pool->has_work, &pool->mutex, &idle_until);
        pool->idle_count--;
    }
    return NULL;
}

/* Releases the mutex around the work. The job may be freed as soon as it is posted. */
static void worker_run(struct worker *worker, struct job *job)
{
    struct job_pool *pool = worker->pool;
    worker->running = job;
    pool->running_count++;
    pool_unlock(pool);
    job->work(job);
    pool_lock(pool);
    pool->running_count--;
    worker->running = NULL;
    if (!pool->is_left) {
        mailbox_post(pool->mailbox, &job->item);
    }
}

static void worker_unlink(struct worker *worker)
{
    struct job_pool *pool = worker->pool;
    struct worker **at = &pool->workers;
    while (*at != worker) {
        at = &(*at)->next;
    }
    *at = worker->next;
    pool->worker_count--;
    if (worker->is_lost) {
        pool->lost_count--;
    }
    worker->next = pool->ended;
    pool->ended = worker;
    CHECK(pthread_cond_signal(&pool->has_ended) == 0);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct job_pool *pool = worker->pool;
    pool_lock(pool);
    worker->tid = gettid();
    for (struct job *job = worker_wait(worker); job != NULL; job = worker_wait(worker)) {
        worker_run(worker, job);
    }
    worker_unlink(worker);
    pool_unlock(pool);
    return NULL;
}

/*
 * Libraries that plugins use walk deep values by recursion. A large stack costs only addresses
 * until it is used; where those are counted (ulimit -v), the default has to do.
 */
static int thread_create(struct worker *worker)
{
    pthread_attr_t attr;
    int status = pthread_attr_init(&attr);
    if (status != 0) {
        return status;
    }
    status = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (status == 0) {
        status = pthread_create(&worker->thread, &attr, worker_main, worker);
    }
    (void)pthread_attr_destroy(&attr); /* fails for no attributes that were initialised */
    return status == 0 ? 0 : pthread_create(&worker->thread, NULL, worker_main, worker);
}

/* The thread takes no signals: they belong to the loop. */
static int worker_start(struct job_pool *pool)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return E_NOMEM;
    }
    worker->pool = pool;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* fails for no set that exists */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int status = thread_create(worker);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (status != 0) {
        free(worker);
        return E_NOMEM;
    }
    worker->next = pool->workers;
    pool->workers = worker;
    pool->worker_count++;
    return 0;
}

/* Starts a thread when there is work for one more. 0 also when others can do it in the end. */
static int pool_staff(struct job_pool *pool)
{
    uint32_t useful = pool->worker_count - pool->lost_count;
    if (pool->idle_count >= pool->queued || useful >= pool->max_threads) {
        return 0;
    }
    int status = worker_start(pool);
    return useful > 0 ? 0 : status;
}

static struct worker *take_ended(struct job_pool *pool)
{
    struct worker *ended = pool->ended;
    pool->ended = NULL;
    return ended;
}

/* Without the mutex. Each of them has nothing left to do but to return. */
static void join_workers(struct worker *ended)
{
    while (ended != NULL) {
        struct worker *next = ended->next;
        CHECK(pthread_join(ended->thread, NULL) == 0);
        free(ended);
        ended = next;
    }
}

/* ==== The pool ==== */

static void on_job_done(struct mailbox_item *item)
{
    struct job *job = (struct job *)(void *)((char *)item - offsetof(struct job, item));
    job->done(job);
}

static int init_locks(struct job_pool *pool)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return E_NOMEM;
    }
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&pool->mutex, NULL) == 0); /* with glibc these need no memory */
    CHECK(pthread_cond_init(&pool->has_work, &attributes) == 0);
    CHECK(pthread_cond_init(&pool->has_ended, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    return 0;
}

static void pool_destroy(struct job_pool *pool)
{
    (void)pthread_cond_destroy(&pool->has_ended); /* nobody waits: all threads are joined */
    (void)pthread_cond_destroy(&pool->has_work);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

int job_pool_create(struct mailbox *mailbox, uint32_t threads, struct job_pool **out_pool,
                    struct error *err)
{
    struct job_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return error_nomem(err);
    }
    if (init_locks(pool) != 0) {
        free(pool);
        return error_nomem(err);
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t wanted = processors > JOB_THREADS_MIN ? (uint32_t)processors : JOB_THREADS_MIN;
    wanted = threads != 0 ? threads : wanted;
    pool->max_threads = wanted < JOB_THREADS_MAX ? wanted : JOB_THREADS_MAX;
    pool->mailbox = mailbox;
    *out_pool = pool;
    return 0;
}

int job_pool_submit(struct job_pool *pool, struct job *job)
{
    pool_lock(pool);
    int status = pool->is_stopping ? E_CANCELED : pool->queued >= JOB_QUEUE_MAX ? E_LIMIT : 0;
    if (status == 0) {
        job->item.run = on_job_done;
        queue_push(pool, job);
        status = pool_staff(pool);
        if (status == 0) {
            CHECK(pthread_cond_signal(&pool->has_work) == 0);
        } else {
            (void)queue_remove(pool, job); /* nobody can have taken it */
        }
    }
    struct worker *ended = take_ended(pool);
    pool_unlock(pool);
    join_workers(ended);
    return status;
}

bool job_pool_take_back(struct job_pool *pool, struct job *job)
{
    pool_lock(pool);
    bool is_removed = queue_remove(pool, job);
    pool_unlock(pool);
    return is_removed;
}

bool job_pool_give_up(struct job_pool *pool, struct job *job)
{
    pool_lock(pool);
    struct worker *worker = pool->workers;
    while (worker != NULL && worker->running != job) {
        worker = worker->next;
    }
    bool is_taken = worker != NULL && !worker->is_lost && pool->lost_count < JOB_LOST_MAX;
    if (is_taken) {
        worker->is_lost = true;
        pool->lost_count++;
        if (pool->queued > 0) {
            (void)pool_staff(pool); /* if it fails, the next submit tries again */
        }
    }
    pool_unlock(pool);
    return is_taken;
}

bool job_pool_stop(struct job_pool *pool, int64_t wait_ms)
{
    if (pool == NULL) {
        return true;
    }
    pool_lock(pool);
    pool->is_stopping = true;
    while (queue_pop(pool) != NULL) {
    }
    CHECK(pthread_cond_broadcast(&pool->has_work) == 0);
    struct timespec until = deadline_after(wait_ms);
    int status = 0;
    while (pool->worker_count > 0 && status != ETIMEDOUT) {
        status = pthread_cond_timedwait(&pool->has_ended, &pool->mutex, &until);
    }
    bool is_over = pool->worker_count == 0;
    pool->is_left = !is_over;
    struct worker *ended = take_ended(pool);
    pool_unlock(pool);
    join_workers(ended);
    if (is_over) {
        pool_destroy(pool);
    }
    return is_over;
}

struct job_counts job_pool_counts(struct job_pool *pool)
{
    pool_lock(pool);
    struct job_counts counts = {
        .threads = pool->worker_count,
        .lost = pool->lost_count,
        .queued = pool->queued,
        .running = pool->running_count,
    };
    pool_unlock(pool);
    return counts;
}

bool job_pool_has_thread(struct job_pool *pool, pid_t tid)
{
    pool_lock(pool);
    const struct worker *worker = pool->workers;
    while (worker != NULL && worker->tid != tid) {
        worker = worker->next;
    }
    pool_unlock(pool);
    return worker != NULL;
}
