/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/run_tree.h"
#include "core/model/pipeline.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const char yaml[] = "id: t\nrollback: true\nnodes:\n"
                           "  - id: each\n"
                           "    for_each: '[1, 2]'\n"
                           "    nodes:\n"
                           "      - {id: fix, type: set, config: {x: 1},\n"
                           "         compensate: {type: set, config: {x: 0}}}\n"
                           "  - {id: one, for_each: '[1]', type: set, config: {x: 1}}\n"
                           "finally: [{id: tidy, type: set, config: {x: 1}}]\n";

static struct pipeline_fixture fixture;
static struct run_tree tree;
static const int runs[2]; /* their addresses are those of runs that nobody looks into */

static int set_up(void **state)
{
    (void)state;
    pipeline_fixture_init(&fixture, yaml);
    tree = (struct run_tree){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_tree_finish(&tree);
    pipeline_fixture_finish(&fixture);
    return 0;
}

static const struct run *run_at(size_t i)
{
    return (const struct run *)(const void *)&runs[i];
}

static uint32_t node_at(const char *id)
{
    uint32_t i = 0;
    while (!str_equal_text(fixture.pipeline->nodes[i].id, id)) {
        i++;
    }
    return i;
}

static struct frame_view *add(const struct run *run, uint64_t id, uint32_t body)
{
    return run_tree_add(
        &tree,
        &(struct frame_options){.run = run, .id = id, .pipeline = fixture.pipeline, .body = body});
}

/* A frame below the node `owner` of `parent`. */
static struct frame_view *add_below(struct frame_view *parent, const char *owner,
                                    enum frame_kind kind, uint64_t id)
{
    const struct node *node = &fixture.pipeline->nodes[node_at(owner)];
    struct frame_view *frame =
        add(parent->run, id, kind == FRAME_UNDO ? node->compensate : node->own_body);
    frame->parent = parent;
    frame->owner = node_at(owner);
    frame->kind = kind;
    return frame;
}

static void assert_path(struct frame_view *frame, uint32_t node, const char *expected)
{
    struct strbuf path = STRBUF_INIT;
    run_tree_append_path((struct step){.frame = frame, .node = node}, &path);
    assert_string_equal(strbuf_str(&path).p, expected);
    strbuf_finish(&path);
}

static void test_run_tree__finds_frames_by_run_and_number(void **state)
{
    (void)state;
    enum { FRAMES = 200 };
    assert_null(run_tree_find(&tree, run_at(0), 0));
    for (uint64_t i = 0; i < FRAMES; i++) {
        assert_non_null(add(run_at(i % 2), i, 0));
    }
    for (uint64_t i = 0; i < FRAMES; i++) {
        const struct frame_view *frame = run_tree_find(&tree, run_at(i % 2), i);
        assert_non_null(frame);
        assert_int_equal(frame->id, i);
        assert_null(run_tree_find(&tree, run_at((i + 1) % 2), i));
    }
    assert_int_equal(tree.first->id, 0);
    assert_int_equal(tree.last->id, FRAMES - 1);
    run_tree_remove(&tree, run_tree_find(&tree, run_at(0), 0));
    run_tree_remove(&tree, run_tree_find(&tree, run_at(1), FRAMES - 1));
    run_tree_remove(&tree, run_tree_find(&tree, run_at(0), 100));
    run_tree_remove(&tree, NULL);
    assert_null(run_tree_find(&tree, run_at(0), 100));
    assert_int_equal(tree.first->id, 1);
    assert_int_equal(tree.last->id, FRAMES - 2);
    assert_int_equal(tree.count, FRAMES - 3);
}

static void test_run_tree__removes_all_of_a_run(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_non_null(add(run_at(i % 2), i, 0));
    }
    run_tree_remove_run(&tree, run_at(1));
    assert_int_equal(tree.count, 10);
    assert_null(run_tree_find(&tree, run_at(1), 1));
    assert_non_null(run_tree_find(&tree, run_at(0), 2));
}

static void test_run_tree__paths_name_items_rounds_and_visits(void **state)
{
    (void)state;
    struct frame_view *root = add(NULL, 0, 0);
    struct frame_view *item = add_below(root, "each", FRAME_ITEM, 1);
    struct frame_view *single = add_below(root, "one", FRAME_ITEM, 2);
    item->index = 17;
    assert_path(root, node_at("each"), "each");
    assert_path(item, node_at("fix"), "each[17].fix");
    assert_path(single, single->body->first_node, "one[0]");
    item->nodes[0].round = 3;
    item->visit = 1;
    single->round = 1;
    assert_path(item, node_at("fix"), "each#2[17].fix@4");
    assert_path(single, single->body->first_node, "one@2[0]");
    assert_true(run_tree_is_plain((struct step){.frame = root, .node = 0}));
    root->nodes[0].visit = 2;
    assert_path(root, 0, "each#3");
    assert_false(run_tree_is_plain((struct step){.frame = root, .node = 0}));
}

static void test_run_tree__paths_name_endings_and_compensations(void **state)
{
    (void)state;
    struct frame_view *root = add(NULL, 0, 0);
    struct frame_view *item = add_below(root, "each", FRAME_ITEM, 1);
    struct frame_view *undo = add_below(item, "fix", FRAME_UNDO, 2);
    struct frame_view *ending = add(NULL, 3, fixture.pipeline->finally);
    ending->parent = root;
    ending->kind = FRAME_ENDING;
    assert_path(undo, undo->body->first_node, "undo:each[0].fix");
    undo->round = 2;
    assert_path(undo, undo->body->first_node, "undo:each[0].fix@3");
    assert_path(ending, node_at("tidy"), "finally.tidy");
    struct strbuf path = STRBUF_INIT;
    run_tree_append_frame_path(item, &path);
    assert_string_equal(strbuf_str(&path).p, "each[0]");
    strbuf_finish(&path);
}

static void test_run_tree__paths_of_child_runs_begin_with_the_call(void **state)
{
    (void)state;
    struct frame_view *child = add(run_at(0), 0, 0);
    child->prefix = str_dup(STR("each[2].call/"));
    child->top = 0;
    struct frame_view *item = add_below(child, "each", FRAME_ITEM, 1);
    struct frame_view *undo = add_below(item, "fix", FRAME_UNDO, 2);
    assert_path(child, 0, "each[2].call/each");
    assert_path(item, node_at("fix"), "each[2].call/each[0].fix");
    assert_path(undo, undo->body->first_node, "each[2].call/undo:each[0].fix");
    assert_false(run_tree_is_plain((struct step){.frame = child, .node = 0}));
    child->top = RECORD_NO_NODE; /* the call is in an ending */
    assert_false(run_tree_is_plain((struct step){.frame = child, .node = 0}));
}

static void test_run_tree__each_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        failing_alloc_arm(n);
        assert_null(add(NULL, 0, 0));
        assert_true(failing_alloc_disarm());
        assert_null(run_tree_find(&tree, NULL, 0));
        run_tree_finish(&tree);
    }
    for (uint64_t i = 0; i < 16; i++) {
        assert_non_null(add(NULL, i, 0));
    }
    failing_alloc_arm(0); /* the larger table */
    assert_null(add(NULL, 16, 0));
    assert_true(failing_alloc_disarm());
    assert_non_null(run_tree_find(&tree, NULL, 15));
    assert_non_null(add(NULL, 16, 0));
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_run_tree__finds_frames_by_run_and_number),
        WITH_TREE(test_run_tree__removes_all_of_a_run),
        WITH_TREE(test_run_tree__paths_name_items_rounds_and_visits),
        WITH_TREE(test_run_tree__paths_name_endings_and_compensations),
        WITH_TREE(test_run_tree__paths_of_child_runs_begin_with_the_call),
        WITH_TREE(test_run_tree__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
