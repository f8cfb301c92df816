/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/pipeline_fixture.h"

#include "core/base/check.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

void pipeline_fixture_init(struct pipeline_fixture *fixture, const char *yaml)
{
    *fixture = (struct pipeline_fixture){0};
    node_types_init(&fixture->types);
    struct load_options options = {.catalogue = &fixture->types.catalogue,
                                   .engine_types = fixture->types.engine_types,
                                   .file = STR("t.yaml")};
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct error err = {0};
    int status = load_text(str_from(yaml), &options, &diagnostics, &fixture->definitions, &err);
    struct strbuf text = STRBUF_INIT;
    diagnostics_print(&diagnostics, NULL, NULL, 0, &text);
    CHECK_NAMED(status == 0, strbuf_str(&text).p);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    fixture->pipeline = fixture->definitions->pipelines[0];
}

void pipeline_fixture_finish(struct pipeline_fixture *fixture)
{
    definitions_destroy(fixture->definitions);
    node_types_finish(&fixture->types);
}

struct document *fixture_json(const char *text)
{
    struct document *document = NULL;
    struct error err = {0};
    CHECK_NAMED(json_read(str_from(text), NULL, &document, &err) == 0, err.message);
    return document;
}

void view_run_starts(struct run_view *view, int64_t at)
{
    struct record record = {.type = RECORD_RUN_STARTED, .node = RECORD_NO_NODE, .at_unix_ms = at};
    run_view_apply(view, &record);
}

void view_node_starts(struct run_view *view, uint32_t node, int64_t at)
{
    struct record record = {
        .type = RECORD_NODE_STARTED, .node = node, .attempt = 1, .at_unix_ms = at};
    run_view_apply(view, &record);
}

void view_node_stops(struct run_view *view, uint32_t node, int64_t at)
{
    struct record record = {.type = RECORD_NODE_STOPPING, .node = node, .at_unix_ms = at};
    run_view_apply(view, &record);
}

void view_node_ends(struct run_view *view, uint32_t node, enum node_state state, int64_t at,
                    const char *json)
{
    cleanup_document struct document *document = json != NULL ? fixture_json(json) : NULL;
    struct record record = {.type = RECORD_NODE_ENDED,
                            .node = node,
                            .attempt = 1,
                            .at_unix_ms = at,
                            .node_state = state,
                            .output = state == NODE_COMPLETED ? document : NULL,
                            .error = state != NODE_COMPLETED ? document : NULL};
    run_view_apply(view, &record);
}

void view_run_ends(struct run_view *view, enum run_state state, int64_t at, const char *output,
                   const char *error)
{
    cleanup_document struct document *result = output != NULL ? fixture_json(output) : NULL;
    cleanup_document struct document *failure = error != NULL ? fixture_json(error) : NULL;
    struct record record = {.type = RECORD_RUN_ENDED,
                            .node = RECORD_NO_NODE,
                            .at_unix_ms = at,
                            .run_state = state,
                            .output = result,
                            .error = failure};
    run_view_apply(view, &record);
}

void view_frame_starts(struct run_view *view, struct view_frame of)
{
    struct record record = {.type = RECORD_FRAME_STARTED,
                            .frame = of.frame,
                            .node = of.owner,
                            .child = of.child,
                            .kind = of.kind,
                            .index = of.index};
    if (of.owner != RECORD_NO_NODE) {
        const struct node *owner = &view->pipeline->nodes[of.owner];
        record.body = of.kind == FRAME_UNDO ? owner->compensate : owner->own_body;
    } else {
        record.body = view->pipeline->finally;
    }
    run_view_apply(view, &record);
}

void view_frame_ends(struct run_view *view, struct view_frame of, enum run_state state,
                     const char *error)
{
    cleanup_document struct document *failure = error != NULL ? fixture_json(error) : NULL;
    struct record record = {.type = RECORD_FRAME_ENDED,
                            .frame = of.child,
                            .node = of.owner,
                            .kind = of.kind,
                            .index = of.index,
                            .run_state = state,
                            .error = failure};
    run_view_apply(view, &record);
}

void view_inner_ends(struct run_view *view, uint64_t frame, uint32_t node, const char *error)
{
    cleanup_document struct document *failure = error != NULL ? fixture_json(error) : NULL;
    struct record record = {.type = RECORD_NODE_ENDED,
                            .frame = frame,
                            .node = node,
                            .attempt = 1,
                            .at_unix_ms = 2000,
                            .node_state = error != NULL ? NODE_FAILED : NODE_COMPLETED,
                            .error = failure};
    run_view_apply(view, &record);
}
