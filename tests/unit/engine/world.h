/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

/*
 * A toy world for each test, and what is asked of its runs.
 *
 * Used by:  the tests of this folder.
 * Uses:     tests/support: toy_world, pipeline_fixture.
 * Threads:  [main]
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/toy_world.h"

struct document;

/* The world of the test that runs now; tearing it down replays its runs (toy_world.h). */
extern struct toy_world world;

int world_set_up(void **state);
/* The same where one plugin may run 100 tasks at once. */
int world_set_up_wide(void **state);
int world_tear_down(void **state);

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
#define WITH_WIDE_WORLD(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, world_set_up_wide, world_tear_down)

/* `path` names the node; `expected` is the name of its state. */
#define assert_state(toy, path, expected) assert_string_equal(toy_run_state(toy, path), expected)
/* `expected` is an enum run_state. */
#define assert_run_state(toy, expected) assert_int_equal(run_state((toy)->run), expected)
/* `expected` is the name that people see: "running", "completed". */
#define assert_status(toy, expected)                                                               \
    assert_string_equal(run_state_name(run_state((toy)->run)), expected)
/* The run has ended, and so: "completed", "failed", "cancelled". */
#define assert_ended(toy, expected)                                                                \
    do {                                                                                           \
        assert_true(run_is_ended((toy)->run));                                                     \
        assert_status(toy, expected);                                                              \
    } while (0)

/* The output of a node, as compact JSON. */
#define assert_output(toy, path, expected) assert_json(toy_run_view(toy, path).output, expected)

/* `document` (borrowed; NULL: "(none)") as compact JSON: is it `expected`, has it `part`? */
void assert_json(const struct document *document, const char *expected);
void assert_holds(const struct document *document, const char *part);
/* The code of a failure. */
void assert_code(const struct document *failure, const char *expected);

#endif
