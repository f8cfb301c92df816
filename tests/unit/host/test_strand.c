/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/strand.h"
#include "tests/support/failing_alloc.h"

/* An item that writes its letter down, and may do more. */
struct step {
    struct strand_item item; /* first */
    struct strand *strand;
    char letter;
    struct step *posts; /* while it runs */
    bool blocks;
    bool gives_up_strand;
};

static char written[32];

static void run_step(struct strand_item *item)
{
    struct step *step = (struct step *)item;
    size_t n = strlen(written);
    written[n] = step->letter;
    written[n + 1] = '\0';
    if (step->posts != NULL) {
        strand_post(step->strand, &step->posts->item);
        n = strlen(written);
        written[n] = '.'; /* posted, not run */
        written[n + 1] = '\0';
    }
    if (step->blocks) {
        strand_block(step->strand);
    }
    if (step->gives_up_strand) {
        strand_unref(step->strand);
    }
}

static struct step make_step(struct strand *strand, char letter)
{
    return (struct step){.item.run = run_step, .strand = strand, .letter = letter};
}

static void test_strand__runs_at_once_when_idle(void **state)
{
    struct strand *strand = strand_create();
    struct step a = make_step(strand, 'a');
    (void)state;
    written[0] = '\0';
    assert_true(strand_is_idle(strand));
    strand_post(strand, &a.item);
    assert_string_equal(written, "a");
    assert_true(strand_is_idle(strand));
    strand_unref(strand);
}

static void test_strand__items_never_run_inside_each_other(void **state)
{
    struct strand *strand = strand_create();
    struct step b = make_step(strand, 'b');
    struct step a = make_step(strand, 'a');
    (void)state;
    written[0] = '\0';
    a.posts = &b;
    strand_post(strand, &a.item);
    assert_string_equal(written, "a.b");
    strand_unref(strand);
}

static void test_strand__waits_while_it_is_blocked_and_keeps_the_order(void **state)
{
    struct strand *strand = strand_create();
    struct step a = make_step(strand, 'a');
    struct step b = make_step(strand, 'b');
    struct step c = make_step(strand, 'c');
    (void)state;
    written[0] = '\0';
    a.blocks = true;
    b.blocks = true;
    strand_post(strand, &a.item);
    assert_false(strand_is_idle(strand));
    strand_post(strand, &b.item);
    strand_post(strand, &c.item);
    assert_string_equal(written, "a");
    strand_resume(strand);
    assert_string_equal(written, "ab");
    strand_resume(strand);
    assert_string_equal(written, "abc");
    assert_true(strand_is_idle(strand));
    strand_unref(strand);
}

static void test_strand__may_lose_its_last_reference_in_an_item(void **state)
{
    struct strand *strand = strand_create();
    struct step b = make_step(strand, 'b');
    struct step a = make_step(strand, 'a');
    (void)state;
    written[0] = '\0';
    a.posts = &b;
    b.gives_up_strand = true;
    strand_post(strand, &a.item);
    assert_string_equal(written, "a.b");
}

static void test_strand__create_reports_lack_of_memory(void **state)
{
    (void)state;
    failing_alloc_arm(0);
    assert_null(strand_create());
    assert_true(failing_alloc_disarm());
    strand_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strand__runs_at_once_when_idle),
        cmocka_unit_test(test_strand__items_never_run_inside_each_other),
        cmocka_unit_test(test_strand__waits_while_it_is_blocked_and_keeps_the_order),
        cmocka_unit_test(test_strand__may_lose_its_last_reference_in_an_item),
        cmocka_unit_test(test_strand__create_reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
