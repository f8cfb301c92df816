/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CLI_PIPELINE_FIXTURE_H
#define TESTS_UNIT_CLI_PIPELINE_FIXTURE_H

/*
 * A checked pipeline from YAML text, and records that tell a view what became of it.
 *
 * Used by:  the tests of cli.
 * Uses:     model, run_view.
 * Threads:  [main]
 */

#include "core/cli/run_view.h"
#include "tests/unit/model/node_types.h"

struct definitions;

struct pipeline_fixture {
    struct node_types types;
    struct definitions *definitions;
    const struct pipeline *pipeline;
};

/* Ends the test program, with what is wrong, when the text is not valid. */
void pipeline_fixture_init(struct pipeline_fixture *fixture, const char *yaml);
void pipeline_fixture_finish(struct pipeline_fixture *fixture);

/* The document of a JSON text. Owned: document_unref(). */
struct document *fixture_json(const char *text);

/* Records at `at` (unix ms). `output` and `error` are JSON texts or NULL. */
void view_run_starts(struct run_view *view, int64_t at);
void view_node_starts(struct run_view *view, uint32_t node, int64_t at);
void view_node_stops(struct run_view *view, uint32_t node, int64_t at);
void view_node_ends(struct run_view *view, uint32_t node, enum node_state state, int64_t at,
                    const char *json);
void view_run_ends(struct run_view *view, enum run_state state, int64_t at, const char *output,
                   const char *error);

/* The frame `child` of `owner`, a node of the frame `frame`, starts (as its own body) and ends. */
struct view_frame {
    uint64_t frame;
    uint32_t owner;
    uint64_t child;
    enum frame_kind kind;
    uint64_t index;
};
void view_frame_starts(struct run_view *view, struct view_frame of);
void view_frame_ends(struct run_view *view, struct view_frame of, enum run_state state,
                     const char *error);

/* A node of a frame ends: completed, or failed with the error. */
void view_inner_ends(struct run_view *view, uint64_t frame, uint32_t node, const char *error);

#endif
