/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine/turn_queue.h"
#include "core/model/queue_priority.h"
#include "tests/support/random.h"

enum { MOST = 300 };

static struct turn_key key(enum queue_priority priority, int64_t at, uint64_t id)
{
    return (struct turn_key){.priority = priority, .at = at, .id = id};
}

static void expect_before(struct turn_key a, struct turn_key b)
{
    assert_true(turn_queue_is_before(&a, &b));
    assert_false(turn_queue_is_before(&b, &a));
}

static void test_turn_queue__priority_goes_before_time_and_time_before_number(void **state)
{
    (void)state;
    expect_before(key(QUEUE_PRIORITY_HIGH, 9, 9), key(QUEUE_PRIORITY_NORMAL, 1, 1));
    expect_before(key(QUEUE_PRIORITY_NORMAL, 9, 9), key(QUEUE_PRIORITY_LOW, 1, 1));
    expect_before(key(QUEUE_PRIORITY_LOW, 1, 9), key(QUEUE_PRIORITY_LOW, 2, 1));
    expect_before(key(QUEUE_PRIORITY_LOW, 1, 1), key(QUEUE_PRIORITY_LOW, 1, 2));
    struct turn_key same = key(QUEUE_PRIORITY_HIGH, 1, 1);
    assert_false(turn_queue_is_before(&same, &same));
}

static size_t count_by_walking(const struct turn_queue *queue)
{
    size_t count = 0;
    for (const struct turn_place *at = queue->first; at != NULL; at = turn_queue_next(at)) {
        count++;
    }
    return count;
}

/* The one of `places` that has to be first, found the long way. */
static struct turn_place *least(struct turn_place *places, const bool *is_in)
{
    struct turn_place *found = NULL;
    for (size_t i = 0; i < MOST; i++) {
        if (is_in[i] && (found == NULL || turn_queue_is_before(&places[i].turn, &found->turn))) {
            found = &places[i];
        }
    }
    return found;
}

/* Who comes and goes at random, from wherever it is: the first is who has to be. */
static void play(uint64_t seed)
{
    struct random random = {seed};
    struct turn_queue queue = {0};
    struct turn_place places[MOST];
    bool is_in[MOST] = {false};
    size_t count = 0;
    for (int step = 0; step < 2000; step++) {
        size_t i = random_below(&random, MOST);
        if (is_in[i]) {
            turn_queue_remove(&queue, &places[i]);
            count--;
        } else {
            int32_t priority = (int32_t)random_below(&random, 3) - 1;
            places[i] = (struct turn_place){
                .turn = {random_below(&random, 20), i, priority}}; /* times are often alike */
            turn_queue_push(&queue, &places[i]);
            count++;
        }
        is_in[i] = !is_in[i];
        assert_ptr_equal(queue.first, least(places, is_in));
        assert_int_equal(queue.count, count);
        if (step % 97 == 0) {
            assert_int_equal(count_by_walking(&queue), count);
        }
    }
    while (queue.first != NULL) {
        struct turn_place *first = queue.first;
        assert_ptr_equal(first, least(places, is_in));
        turn_queue_remove(&queue, first);
        is_in[first - places] = false;
    }
    assert_int_equal(queue.count, 0);
}

static void test_turn_queue__the_first_is_first_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn_queue__priority_goes_before_time_and_time_before_number),
        cmocka_unit_test(test_turn_queue__the_first_is_first_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
