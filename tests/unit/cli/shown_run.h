/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CLI_SHOWN_RUN_H
#define TESTS_UNIT_CLI_SHOWN_RUN_H

/*
 * A view of a run for each test, and the text that is made of it. The nodes, in order: `fetch`;
 * `wide` and `bad`, whose names are two wide characters and an escape sequence; `long`, whose name
 * has 40 characters; `e`.
 *
 * Used by:  test_run_text, test_run_summary.
 * Uses:     pipeline_fixture, run_view, run_text.
 * Threads:  [main]
 */

#include "core/cli/run_text.h"
#include "core/cli/run_view.h"
#include "tests/unit/cli/pipeline_fixture.h"

/* Those of the test that runs now. */
extern struct pipeline_fixture fixture;
extern struct run_view view;
extern struct strbuf out;

static const struct run_text_style plain = {.is_colored = false, .name_columns = 8};
static const struct run_text_style colored = {.is_colored = true, .name_columns = 8};

int shown_run_set_up(void **state);
int shown_run_tear_down(void **state);

#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, shown_run_set_up, shown_run_tear_down)

/* Fails the test unless `out` is `expected`, and empties it. */
void assert_shown(const char *expected);

#endif
