/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/reading.h"

#include "core/expr/expr.h"
#include "core/model/guards.h"
#include "core/model/reach.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

const struct report *reading_report(const struct reading *reading)
{
    return &reading->draft->loader->report;
}

struct place reading_place_at(const struct reading *reading, size_t offset)
{
    const struct tree *scalar = reading->use->scalar;
    return tree_place_at(scalar, report_of_place(reading_report(reading), scalar->place)->source,
                         reading->use->offset + offset);
}

struct place reading_place(const struct reading *reading)
{
    return reading_place_at(reading, reading->reference->offset);
}

reading_report_cb reading_reporter(const struct reading *reading, unsigned flags)
{
    return (reading->draft->loader->options->flags & flags) != 0 ? report_error : report_warning;
}

/* The output of a body. */
static struct label who_ends(const struct reading *reading)
{
    uint32_t owner = reading->draft->bodies[reading->use->body].owner;
    return owner == DRAFT_NO_NODE ? label_make("'output'")
                                  : label_of("the loop", reading->draft->nodes[owner].id);
}

struct label reading_who(const struct reading *reading)
{
    switch (reading->use->site) {
    case USE_NODE:
    case USE_SELF:
    case USE_FAILED:
        return label_of("node", reading->draft->nodes[reading->use->node].id);
    case USE_EDGE:
        return label_of("an edge from", reading->draft->nodes[reading->use->node].id);
    case USE_OUTPUT:
        return who_ends(reading);
    case USE_SETTINGS:
        return label_make("the settings");
    }
    return label_make("the pipeline");
}

bool reading_is_one_of(struct str name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool reading_is_guarded(const struct reading *reading)
{
    const struct expr_reference *reference = reading->reference;
    for (size_t r = 0; r < expr_reference_count(reading->use->expr); r++) {
        const struct expr_reference *other = expr_reference_at(reading->use->expr, r);
        size_t same = 0;
        if (!other->is_guarded || other->slot != reference->slot) {
            continue;
        }
        while (same < other->path_count && same < reference->path_count &&
               str_equal(other->path[same], reference->path[same])) {
            same++;
        }
        if (same == other->path_count) {
            return true;
        }
    }
    return false;
}

bool reading_is_before(const struct reading *reading, uint32_t before, uint32_t node)
{
    bool result = false;
    if (*reading->status == 0) {
        *reading->status = reach_is_before(reading->reach, before, node, &result);
    }
    return result;
}

static bool has_output(const struct reading *reading, uint32_t before, uint32_t node)
{
    bool result = true;
    if (*reading->status == 0) {
        *reading->status = reach_has_output(reading->reach, before, node, &result);
    }
    return result;
}

static bool has_output_at_end(const struct reading *reading, uint32_t node)
{
    bool result = true;
    if (*reading->status == 0) {
        *reading->status = reach_has_output_at_end(reading->reach, node, &result);
    }
    return result;
}

struct reading_view reading_find_view(const struct reading *reading, uint32_t body)
{
    const struct draft *draft = reading->draft;
    const struct use *use = reading->use;
    enum reading_view_kind kind = use->site == USE_NODE     ? VIEW_START
                                  : use->site == USE_OUTPUT ? VIEW_ALL
                                                            : VIEW_END;
    struct reading_view view = {kind, use->node};
    for (uint32_t in = use->body; in != body; in = draft_body_around(draft, in)) {
        const struct draft_body *from = &draft->body_drafts[in];
        view.node = from->owner != DRAFT_NO_NODE ? from->owner : in;
        view.kind = from->owner == DRAFT_NO_NODE ? VIEW_ENDING
                    : from->is_compensation      ? VIEW_END
                                                 : VIEW_INSIDE;
    }
    return view;
}

bool reading_is_round_before(const struct reading *reading, const struct reading_view *view,
                             uint32_t node)
{
    return view->kind == VIEW_START && view->node == node && reading->use->site == USE_NODE &&
           reading->draft->nodes[node].repeat != NULL;
}

bool reading_may_be_absent(const struct reading *reading, const struct reading_view *view,
                           uint32_t node)
{
    const struct node *it = &reading->draft->nodes[node];
    if (reading->reach == NULL) {
        return false;
    }
    switch (view->kind) {
    case VIEW_ENDING:
        return view->node != reading->draft->storage->pipeline.on_success ||
               !has_output_at_end(reading, node);
    case VIEW_ALL:
        return !has_output_at_end(reading, node);
    case VIEW_END:
        if (view->node == node) {
            bool is_event_lacking = it->kind == NODE_IDLE &&
                                    (reading->use->names & SCOPE_EVENT) == 0;
            return reading->use->site == USE_FAILED ||
                   (reading->use->site == USE_EDGE &&
                    (it->when != NULL || it->on_error == ON_ERROR_CONTINUE || is_event_lacking));
        }
        break;
    case VIEW_START:
        if (reading_is_round_before(reading, view, node)) {
            return true;
        }
        break;
    case VIEW_INSIDE:
        break;
    }
    return !has_output(reading, node, view->node);
}

bool reading_asks_output(const struct reading *reading, size_t first)
{
    const struct expr_reference *reference = reading->reference;
    for (size_t r = 0; r < expr_reference_count(reading->use->expr); r++) {
        const struct expr_reference *other = expr_reference_at(reading->use->expr, r);
        bool is_it = other->is_guarded && other->slot == reference->slot &&
                     other->path_count == first + 1 && str_equal(other->path[first], STR("output"));
        for (size_t i = 0; i < first && is_it; i++) {
            is_it = str_equal(other->path[i], reference->path[i]);
        }
        if (is_it) {
            return true;
        }
    }
    return false;
}

bool reading_is_asked(const struct reading *reading, int slot, struct str field)
{
    return guards_hold(reading->draft, reading->use, slot, field);
}
