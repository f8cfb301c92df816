/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

/* A journal that looks at what it is given, and says when it is durable. */
struct watched {
    struct journal base;
    size_t writes;
    size_t scopes; /* of the last write */
    journal_append_cb cb;
    void *user;
};

static int watch_append(struct journal *journal, const struct journal_write *write,
                        journal_append_cb cb, void *user, struct error *err)
{
    struct watched *watched = (struct watched *)journal;
    (void)err;
    watched->writes++;
    watched->scopes = write->batch->scope_count;
    watched->cb = cb;
    watched->user = user;
    return 0;
}

static const struct journal_class watched_class = {.append = watch_append};

static struct watched watched;
static struct loop loop;

static int set_up(void **state)
{
    (void)state;
    watched = (struct watched){.base = {.class_ = &watched_class}};
    loop = (struct loop){.journal = &watched.base};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    commit_free_spares(&loop);
    return 0;
}

static size_t durable_count;

static void on_durable(void *commit, int status)
{
    assert_int_equal(status, 0);
    durable_count++;
    commit_destroy(commit);
}

static void test_commit__what_a_scope_learned_is_written_without_any_record(void **state)
{
    (void)state;
    struct commit *commit = commit_create(&loop);
    struct document *known = pipeline_fixture_json("{\"state\": \"open\"}");
    assert_true(commit_is_empty(commit));
    batch_add_scope(&commit->batch,
                    &(struct scope_change){.kind = "breaker", .key = STR("a"), .state = known});
    assert_false(commit_is_empty(commit));
    durable_count = 0;
    assert_int_equal(commit_submit(commit, on_durable, NULL), 0);
    assert_int_equal(watched.writes, 1);
    assert_int_equal(watched.scopes, 1);
    assert_int_equal(durable_count, 0); /* who waits for it waits still */
    watched.cb(watched.user, 0);
    assert_int_equal(durable_count, 1);
    struct commit *again = commit_create(&loop);
    assert_ptr_equal(again, commit);
    assert_true(commit_is_empty(again)); /* nothing is written twice */
    commit_destroy(again);
    document_unref(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_commit__what_a_scope_learned_is_written_without_any_record, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
