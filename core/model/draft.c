/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"
#include "core/model/egress.h"
#include "core/model/format.h"
#include "core/model/queue_item.h"
#include "core/model/secret_wants.h"
#include "core/model/tree.h"
#include "core/value/value.h"

struct label label_make(const char *format, ...)
{
    struct label label = {{0}};
    va_list args;
    va_start(args, format);
    int length = vsnprintf(label.text, sizeof(label.text), format, args);
    va_end(args);
    if (length >= (int)sizeof(label.text)) {
        label.text[utf8_whole_prefix(label.text, sizeof(label.text) - 1)] = '\0';
    }
    return label;
}

struct label label_of(const char *text, struct str id)
{
    struct label label = {{0}};
    size_t n = strlen(text);
    if (n + id.n + sizeof(" ''") > sizeof(label.text)) {
        return label_make("%s '%.*s'", text, STR_ARG(id));
    }
    char *end = mempcpy(label.text, text, n);
    end = mempcpy(end, " '", 2);
    end = mempcpy(end, id.p, id.n);
    *end = '\'';
    return label;
}

void draft_finish(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->body_count; i++) {
        strmap_finish(&draft->body_drafts[i].ids);
    }
    free(draft->body_drafts);
    free(draft->drafts);
    free(draft->edges);
    free(draft->ends);
    free(draft->uses);
    free(draft->wants);
    free(draft->outcomes);
    strmap_finish(&draft->outcome_numbers);
    expr_memo_finish(&draft->memo);
    if (draft->storage != NULL) {
        pipeline_unref(&draft->storage->pipeline);
    }
    *draft = (struct draft){0};
}

struct str draft_nearest_node(const struct draft *draft, uint32_t body, struct str id)
{
    struct suggest nearest = suggest_start(id);
    if (!report_wants_nearest(&draft->loader->report)) {
        return nearest.best;
    }
    for (; body != DRAFT_NO_BODY; body = draft_body_around(draft, body)) {
        const struct draft_body *in = &draft->body_drafts[body];
        for (uint32_t i = 0; i < in->node_count && !in->is_compensation; i++) {
            suggest_offer(&nearest, draft->drafts[in->first_node + i].id);
        }
    }
    return nearest.best;
}

int draft_keep_text(struct draft *draft, struct str text, struct str *out)
{
    struct str kept = arena_dup_str(&draft->storage->arena, text);
    if (kept.p == NULL) {
        return E_NOMEM;
    }
    *out = kept;
    return 0;
}

int draft_outcome(struct draft *draft, struct str name, uint32_t *out_outcome)
{
    uintptr_t found = (uintptr_t)strmap_get(&draft->outcome_numbers, name);
    if (found != 0) {
        *out_outcome = (uint32_t)(found - 1);
        return 0;
    }
    struct str *outcomes = array_reserve(draft->outcomes, &draft->outcome_cap,
                                         draft->outcome_count + 1, sizeof(*outcomes));
    if (outcomes == NULL) {
        return E_NOMEM;
    }
    draft->outcomes = outcomes;
    struct str kept = {0};
    if (draft_keep_text(draft, name, &kept) != 0 ||
        strmap_add(&draft->outcome_numbers, kept, (void *)(uintptr_t)(draft->outcome_count + 1)) !=
            0) {
        return E_NOMEM;
    }
    *out_outcome = (uint32_t)draft->outcome_count;
    outcomes[draft->outcome_count++] = kept;
    return 0;
}

int draft_add_edge(struct draft *draft, const struct draft_edge *edge)
{
    struct draft_edge *edges =
        array_reserve(draft->edges, &draft->edge_cap, draft->edge_count + 1, sizeof(*edges));
    if (edges == NULL) {
        return E_NOMEM;
    }
    draft->edges = edges;
    edges[draft->edge_count++] = *edge;
    return 0;
}

/* "Issue triage" → "issue_triage". */
static struct str id_from_name(struct loader *loader, struct str name)
{
    char *id = arena_alloc(&loader->arena, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; id != NULL && i < name.n; i++) {
        char c = name.p[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (is_kept) {
            id[n++] = c;
        } else if (n > 0 && id[n - 1] != '_') {
            id[n++] = '_';
        }
    }
    while (n > 0 && id[n - 1] == '_') {
        n--;
    }
    return id != NULL ? str_make(id, n) : (struct str){0};
}

struct str draft_pipeline_id(struct loader *loader, const struct tree *tree, struct str key)
{
    struct str id = {0};
    struct str name = {0};
    if (format_text(tree, "id", &id)) {
        return id;
    }
    if (key.n > 0) {
        return key;
    }
    return format_text(tree, "name", &name) ? id_from_name(loader, name) : STR("");
}

/* The outcomes that always have their numbers. */
static int add_outcomes(struct draft *draft)
{
    static const struct str names[] = {{"success", 7}, {"error", 5},   {"true", 4},
                                       {"false", 5},   {"timeout", 7}, {"cancel", 6}};
    int status = 0;
    for (uint32_t i = 0; i < OUTCOME_FIRST_NAMED && status == 0; i++) {
        uint32_t number = 0;
        status = draft_outcome(draft, names[i], &number);
    }
    return status;
}

/* The pipeline finds nodes by the maps of the draft. */
static int keep_ids(struct draft *draft)
{
    struct pipeline_storage *storage = draft->storage;
    storage->ids = arena_calloc(&storage->arena, draft->body_count, sizeof(*storage->ids));
    if (storage->ids == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < draft->body_count; i++) {
        storage->ids[i] = draft->body_drafts[i].ids;
        draft->body_drafts[i].ids = STRMAP_INIT;
    }
    return 0;
}

/* The flat arrays that only now have their final size. */
static int freeze(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    struct arena *arena = &draft->storage->arena;
    struct str *outcomes = arena_calloc(arena, draft->outcome_count, sizeof(*outcomes));
    struct named_end *ends = arena_calloc(arena, draft->end_count + 1, sizeof(*ends));
    if (outcomes == NULL || ends == NULL) {
        return E_NOMEM;
    }
    memcpy(outcomes, draft->outcomes, draft->outcome_count * sizeof(*outcomes));
    if (draft->end_count > 0) {
        memcpy(ends, draft->ends, draft->end_count * sizeof(*ends));
    }
    pipeline->outcomes = outcomes;
    pipeline->outcome_count = (uint32_t)draft->outcome_count;
    pipeline->ends = ends;
    pipeline->end_count = (uint32_t)draft->end_count;
    return keep_ids(draft);
}

static int run_steps(struct draft *draft)
{
    static int (*const steps[])(struct draft *) = {
        add_outcomes,         top_read,      bodies_read,        top_read_integrations,
        nodes_check,          edges_read,    for_each_link,      stand_ins_link,
        graph_build,          streams_check, top_read_output,    references_check,
        budget_check,         egress_find,   secret_wants_check, queue_item_check,
        named_settings_check, freeze,
    };
    int status = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == 0; i++) {
        status = steps[i](draft);
    }
    return status;
}

int draft_read(struct loader *loader, const struct tree *tree, struct str key,
               struct pipeline **out_pipeline)
{
    size_t errors_before = loader->report.diagnostics->error_count;
    struct draft draft = {.loader = loader, .tree = tree, .storage = storage_create()};
    *out_pipeline = NULL;
    if (draft.storage == NULL) {
        return E_NOMEM;
    }
    struct pipeline *pipeline = &draft.storage->pipeline;
    int status = draft_keep_text(&draft, draft_pipeline_id(loader, tree, key), &pipeline->id);
    if (status == 0) {
        status = run_steps(&draft);
    }
    bool is_right = loader->report.diagnostics->error_count == errors_before;
    if (status == 0 && is_right && draft.has_lost_nodes && !draft.is_profile) {
        report_error(&loader->report, tree->place, "there are nodes in it that cannot be read");
        is_right = false; /* whatever lost them should have said so */
    }
    if (status == 0 && is_right && !draft.is_profile) {
        *out_pipeline = pipeline;
        draft.storage = NULL;
    }
    draft_finish(&draft);
    return status;
}

struct place draft_place_in(const struct draft *draft, const struct tree *scalar, size_t offset)
{
    const struct report *report = report_of_place(&draft->loader->report, scalar->place);
    return tree_place_at(scalar, report->source, offset);
}
