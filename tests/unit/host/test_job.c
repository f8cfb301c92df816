/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/error.h"
#include "core/host/job.h"
#include "tests/support/failing_alloc.h"

enum { MANY = 1000 };

/* A piece of work that can be held until the test lets it go. */
struct piece {
    struct job job;
    sem_t *begun; /* NULL: nobody asks */
    sem_t *gate;  /* waited for in the work; NULL: none */
    pthread_t worked_on;
    atomic_int worked;
    int done;
};

/* A mailbox that the test empties, in place of the loop's. */
static struct mailbox mailbox = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &mailbox.first};
static sem_t posted;
static sem_t begun;
static sem_t gate;

void mailbox_post(struct mailbox *box, struct mailbox_item *item)
{
    item->next = NULL;
    (void)pthread_mutex_lock(&box->lock);
    *box->last = item;
    box->last = &item->next;
    (void)pthread_mutex_unlock(&box->lock);
    (void)sem_post(&posted);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

/* Runs the next item, as the loop would. */
static void run_next(void)
{
    wait_for(&posted);
    (void)pthread_mutex_lock(&mailbox.lock);
    struct mailbox_item *item = mailbox.first;
    mailbox.first = item->next;
    if (mailbox.first == NULL) {
        mailbox.last = &mailbox.first;
    }
    (void)pthread_mutex_unlock(&mailbox.lock);
    item->run(item);
}

static void work(struct job *job)
{
    struct piece *piece = (struct piece *)(void *)job;
    piece->worked_on = pthread_self();
    if (piece->begun != NULL) {
        (void)sem_post(piece->begun);
    }
    if (piece->gate != NULL) {
        wait_for(piece->gate);
    }
    (void)atomic_fetch_add(&piece->worked, 1);
}

static void on_done(struct job *job)
{
    ((struct piece *)(void *)job)->done++;
}

static void piece_init(struct piece *piece)
{
    memset(piece, 0, sizeof(*piece));
    piece->job.work = work;
    piece->job.done = on_done;
}

static void piece_init_held(struct piece *piece)
{
    piece_init(piece);
    piece->begun = &begun;
    piece->gate = &gate;
}

static struct job_pool *open_pool(uint32_t threads)
{
    struct job_pool *pool = NULL;
    assert_int_equal(job_pool_create(&mailbox, threads, &pool, NULL), 0);
    return pool;
}

static void submit(struct job_pool *pool, struct piece *piece)
{
    assert_int_equal(job_pool_submit(pool, &piece->job), 0);
}

static void test_job__runs_on_another_thread_and_reports_here(void **state)
{
    (void)state;
    struct piece piece;
    struct job_pool *pool = open_pool(0);
    assert_int_equal(job_pool_counts(pool).threads, 0);
    piece_init(&piece);
    submit(pool, &piece);
    assert_int_equal(piece.done, 0);
    run_next();
    assert_int_equal(piece.done, 1);
    assert_int_equal(piece.worked, 1);
    assert_false(pthread_equal(piece.worked_on, pthread_self()));
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__runs_many_on_few_threads(void **state)
{
    (void)state;
    static struct piece pieces[MANY];
    struct job_pool *pool = open_pool(3);
    for (size_t i = 0; i < MANY; i++) {
        piece_init(&pieces[i]);
        submit(pool, &pieces[i]);
    }
    assert_in_range(job_pool_counts(pool).threads, 1, 3);
    for (size_t i = 0; i < MANY; i++) {
        run_next();
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(pieces[i].done, 1);
        assert_int_equal(pieces[i].worked, 1);
    }
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__starts_no_more_threads_than_there_is_work(void **state)
{
    (void)state;
    struct piece pieces[2];
    struct job_pool *pool = open_pool(8);
    for (size_t i = 0; i < 2; i++) {
        piece_init_held(&pieces[i]);
        submit(pool, &pieces[i]);
    }
    wait_for(&begun);
    wait_for(&begun);
    struct job_counts counts = job_pool_counts(pool);
    assert_int_equal(counts.threads, 2);
    assert_int_equal(counts.running, 2);
    (void)sem_post(&gate);
    (void)sem_post(&gate);
    run_next();
    run_next();
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__takes_back_only_what_has_not_begun(void **state)
{
    (void)state;
    struct piece pieces[4];
    struct job_pool *pool = open_pool(1);
    piece_init_held(&pieces[0]);
    submit(pool, &pieces[0]);
    wait_for(&begun);
    for (size_t i = 1; i < 4; i++) {
        piece_init(&pieces[i]);
        submit(pool, &pieces[i]);
    }
    assert_int_equal(job_pool_counts(pool).queued, 3);
    assert_false(job_pool_take_back(pool, &pieces[0].job)); /* runs */
    assert_true(job_pool_take_back(pool, &pieces[3].job));  /* the last, */
    assert_true(job_pool_take_back(pool, &pieces[1].job));  /* the first, */
    assert_false(job_pool_take_back(pool, &pieces[1].job)); /* and not twice */
    (void)sem_post(&gate);
    run_next();
    run_next();
    const int expected[4] = {1, 0, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pieces[i].done, expected[i]);
        assert_int_equal(pieces[i].worked, expected[i]);
    }
    submit(pool, &pieces[1]); /* it may come again */
    run_next();
    assert_int_equal(pieces[1].done, 1);
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__refuses_more_than_its_queue_takes(void **state)
{
    (void)state;
    static struct piece waiting[JOB_QUEUE_MAX];
    struct piece held;
    struct piece refused;
    struct job_pool *pool = open_pool(1);
    piece_init_held(&held);
    submit(pool, &held);
    wait_for(&begun);
    for (size_t i = 0; i < JOB_QUEUE_MAX; i++) {
        piece_init(&waiting[i]);
        submit(pool, &waiting[i]);
    }
    piece_init(&refused);
    assert_int_equal(job_pool_submit(pool, &refused.job), E_LIMIT);
    assert_true(job_pool_take_back(pool, &waiting[0].job));
    submit(pool, &refused);
    (void)sem_post(&gate);
    for (size_t i = 0; i < JOB_QUEUE_MAX + 1; i++) {
        run_next();
    }
    assert_int_equal(refused.done, 1);
    assert_true(job_pool_stop(pool, 60000));
}

static void *let_go(void *arg)
{
    /* Only when the pool is stopping: the job that runs must be waited for. */
    struct job_pool *pool = arg;
    while (job_pool_counts(pool).queued > 0) {
        (void)sched_yield();
    }
    (void)sem_post(&gate);
    return NULL;
}

static void test_job__stopping_drops_the_waiting_and_awaits_the_running(void **state)
{
    (void)state;
    struct piece pieces[3];
    struct job_pool *pool = open_pool(1);
    piece_init_held(&pieces[0]);
    submit(pool, &pieces[0]);
    wait_for(&begun);
    for (size_t i = 1; i < 3; i++) {
        piece_init(&pieces[i]);
        submit(pool, &pieces[i]);
    }
    pthread_t helper;
    assert_int_equal(pthread_create(&helper, NULL, let_go, pool), 0);
    assert_true(job_pool_stop(pool, 60000));
    assert_int_equal(pthread_join(helper, NULL), 0);
    run_next();
    assert_int_equal(pieces[0].done, 1);
    assert_int_equal(pieces[1].worked + pieces[2].worked, 0);
    int left = 1;
    assert_int_equal(sem_getvalue(&posted, &left), 0);
    assert_int_equal(left, 0);
}

static void test_job__a_given_up_thread_is_replaced_a_bounded_number_of_times(void **state)
{
    (void)state;
    struct piece stuck[JOB_LOST_MAX + 1];
    struct piece next;
    struct job_pool *pool = open_pool(1);
    for (size_t i = 0; i < JOB_LOST_MAX + 1; i++) {
        piece_init_held(&stuck[i]);
        submit(pool, &stuck[i]);
        wait_for(&begun);
        assert_int_equal(job_pool_give_up(pool, &stuck[i].job), i < JOB_LOST_MAX);
        assert_false(job_pool_give_up(pool, &stuck[i].job)); /* once is enough */
    }
    assert_int_equal(job_pool_counts(pool).threads, JOB_LOST_MAX + 1);
    assert_int_equal(job_pool_counts(pool).lost, JOB_LOST_MAX);
    piece_init(&next);
    assert_false(job_pool_give_up(pool, &next.job)); /* not even submitted */
    submit(pool, &next);
    assert_int_equal(job_pool_counts(pool).queued, 1);
    for (size_t i = 0; i < JOB_LOST_MAX + 1; i++) {
        (void)sem_post(&gate);
    }
    for (size_t i = 0; i < JOB_LOST_MAX + 2; i++) {
        run_next();
    }
    assert_int_equal(next.done, 1);
    for (size_t i = 0; i < JOB_LOST_MAX + 1; i++) {
        assert_int_equal(stuck[i].done, 1);
    }
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__giving_up_starts_the_thread_that_waiting_jobs_need(void **state)
{
    (void)state;
    struct piece stuck;
    struct piece next;
    struct job_pool *pool = open_pool(1);
    piece_init_held(&stuck);
    submit(pool, &stuck);
    wait_for(&begun);
    piece_init(&next);
    submit(pool, &next);
    assert_true(job_pool_give_up(pool, &stuck.job));
    run_next();
    assert_int_equal(next.done, 1);
    (void)sem_post(&gate);
    run_next();
    assert_int_equal(stuck.done, 1);
    assert_true(job_pool_stop(pool, 60000));
}

static void test_job__stopping_leaves_behind_what_does_not_end(void **state)
{
    (void)state;
    static struct piece stuck;
    static struct job_pool *pool; /* stays in memory, as the contract says */
    pool = open_pool(2);
    piece_init_held(&stuck);
    submit(pool, &stuck);
    wait_for(&begun);
    assert_false(job_pool_stop(pool, 1));
    struct piece late;
    piece_init(&late);
    assert_int_equal(job_pool_submit(pool, &late.job), E_CANCELED);
    (void)sem_post(&gate); /* it ends after all, and nobody is told */
    while (job_pool_counts(pool).threads > 0) {
        (void)sched_yield();
    }
    assert_int_equal(stuck.worked, 1);
    assert_int_equal(stuck.done, 0);
    int left = 1;
    assert_int_equal(sem_getvalue(&posted, &left), 0);
    assert_int_equal(left, 0);
    assert_true(job_pool_stop(pool, 0));
}

static void test_job__stopping_nothing_is_fine(void **state)
{
    (void)state;
    assert_true(job_pool_stop(NULL, 0));
}

static void test_job__creating_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct job_pool *pool = NULL;
        failing_alloc_arm(n);
        int status = job_pool_create(&mailbox, 0, &pool, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(job_pool_stop(pool, 0));
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(pool);
    }
}

static void test_job__submitting_survives_a_failed_allocation(void **state)
{
    (void)state;
    struct piece piece;
    struct job_pool *pool = open_pool(1);
    piece_init(&piece);
    failing_alloc_arm(0);
    int status = job_pool_submit(pool, &piece.job);
    assert_true(failing_alloc_disarm());
    assert_int_equal(status, E_NOMEM);
    submit(pool, &piece);
    run_next();
    assert_int_equal(piece.done, 1);
    assert_true(job_pool_stop(pool, 60000));
}

static int open_semaphores(void **state)
{
    (void)state;
    return sem_init(&posted, 0, 0) + sem_init(&begun, 0, 0) + sem_init(&gate, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job__runs_on_another_thread_and_reports_here),
        cmocka_unit_test(test_job__runs_many_on_few_threads),
        cmocka_unit_test(test_job__starts_no_more_threads_than_there_is_work),
        cmocka_unit_test(test_job__takes_back_only_what_has_not_begun),
        cmocka_unit_test(test_job__refuses_more_than_its_queue_takes),
        cmocka_unit_test(test_job__stopping_drops_the_waiting_and_awaits_the_running),
        cmocka_unit_test(test_job__a_given_up_thread_is_replaced_a_bounded_number_of_times),
        cmocka_unit_test(test_job__giving_up_starts_the_thread_that_waiting_jobs_need),
        cmocka_unit_test(test_job__stopping_leaves_behind_what_does_not_end),
        cmocka_unit_test(test_job__stopping_nothing_is_fine),
        cmocka_unit_test(test_job__creating_survives_each_failed_allocation),
        cmocka_unit_test(test_job__submitting_survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, open_semaphores, NULL);
}
