/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/host/mailbox.h"

enum { THREADS = 4, ITEMS = 5000 };

struct letter {
    struct mailbox_item item; /* first */
    struct office *office;
    int sender;
    int number;
};

struct office {
    struct mailbox mailbox;
    uv_loop_t loop;
    struct letter letters[THREADS][ITEMS];
    int next[THREADS]; /* that is due from a sender */
    int received;
    int again; /* times that an item posts itself */
    bool is_running;
    bool is_closed;
};

static struct office office;

static void open_office(void)
{
    office = (struct office){.received = 0};
    assert_int_equal(uv_loop_init(&office.loop), 0);
    assert_int_equal(mailbox_open(&office.mailbox, &office.loop, NULL), 0);
}

static void on_closed(struct mailbox *mailbox)
{
    assert_ptr_equal(mailbox, &office.mailbox);
    office.is_closed = true;
}

static void close_office(void)
{
    mailbox_close(&office.mailbox, on_closed);
    assert_int_equal(uv_run(&office.loop, UV_RUN_DEFAULT), 0);
    assert_true(office.is_closed);
    assert_int_equal(uv_loop_close(&office.loop), 0);
}

static void on_letter(struct mailbox_item *item)
{
    struct letter *letter = (struct letter *)item;
    assert_false(office.is_running); /* never inside another */
    office.is_running = true;
    assert_int_equal(letter->number, office.next[letter->sender]);
    office.next[letter->sender]++;
    office.received++;
    office.is_running = false;
}

static void *send_letters(void *argument)
{
    struct letter *letters = argument;
    for (int i = 0; i < ITEMS; i++) {
        mailbox_post(&office.mailbox, &letters[i].item);
    }
    return NULL;
}

static void test_mailbox__keeps_the_order_of_each_thread(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    open_office();
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < ITEMS; i++) {
            office.letters[t][i] = (struct letter){{NULL, on_letter}, &office, t, i};
        }
        assert_int_equal(pthread_create(&threads[t], NULL, send_letters, office.letters[t]), 0);
    }
    while (office.received < THREADS * ITEMS) {
        (void)uv_run(&office.loop, UV_RUN_ONCE);
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    }
    close_office();
}

static void on_again(struct mailbox_item *item)
{
    assert_false(office.is_running);
    office.is_running = true;
    if (--office.again > 0) {
        mailbox_post(&office.mailbox, item);
    }
    office.is_running = false;
}

static void test_mailbox__an_item_may_post_itself(void **state)
{
    struct mailbox_item item = {NULL, on_again};
    (void)state;
    open_office();
    office.again = 5000; /* more than one turn takes */
    mailbox_post(&office.mailbox, &item);
    assert_int_equal(office.again, 5000);
    while (office.again > 0) {
        (void)uv_run(&office.loop, UV_RUN_ONCE);
    }
    close_office();
}

static void test_mailbox__drain_runs_what_waits(void **state)
{
    struct letter letter = {{NULL, on_letter}, &office, 0, 0};
    (void)state;
    open_office();
    mailbox_post(&office.mailbox, &letter.item);
    assert_int_equal(office.received, 0);
    mailbox_drain(&office.mailbox);
    assert_int_equal(office.received, 1);
    close_office();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox__keeps_the_order_of_each_thread),
        cmocka_unit_test(test_mailbox__an_item_may_post_itself),
        cmocka_unit_test(test_mailbox__drain_runs_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
