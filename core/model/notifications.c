/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `notifications`: each point of a run that is told becomes a body of one node, which the engine
 * runs beside all else. What sends is a node type of a plugin like any other, and what is said for
 * a message is its config; only here is one of them known by its name.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/schema_marks.h"
#include "core/model/tree.h"
#include "core/model/tree_build.h"
#include "core/value/schema.h"
#include "core/value/value.h"

#define DEFAULT_TYPE  "notify.send"
#define CHANNELS_TYPE "slack.post_message" /* finds a channel by the severity */

/* A point with what its message says where nothing else is said. */
static const struct point {
    const char *name;
    const char *body;
    const char *title;
    const char *text;
    const char *severity;
} points[NOTICE_POINTS] = {
    [NOTICE_START] = {"start", "notifications.start", "{{ run.workflow }} has started",
                      "Run {{ run.id }}.", "info"},
    [NOTICE_MILESTONES] =
        {"milestones", "notifications.milestones", "{{ run.workflow }}: {{ node.id }} is done",
         "{{ has(node.counts) ? string(node.counts.completed) + ' items completed, ' "
         "+ string(node.counts.failed) + ' failed. ' : '' }}Run {{ run.id }}.",
         "info"},
    [NOTICE_COMPLETION] =
        {"completion", "notifications.completion",
         "{{ run.workflow }} {{ run.status == 'cancelled' ? 'was cancelled' : 'has completed' }}",
         "Run {{ run.id }}.", "info"},
    [NOTICE_ERRORS] =
        {"errors", "notifications.errors", "{{ run.workflow }} has failed",
         "{{ has(run.error.node) ? run.error.node + ': ' : '' }}{{ run.error.code }}: "
         "{{ run.error.message }}\nRun {{ run.id }}.",
         "error"},
};

/* What `notifications` says. */
struct told {
    struct place place;
    const struct tree *map; /* NULL: a list of points alone */
    bool has[NOTICE_POINTS];
    const struct tree *own[NOTICE_POINTS]; /* the maps of points that have one */
    bool has_channels;                     /* the settings of Slack know where to write */
};

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* NOTICE_POINTS: there is none of this name. */
static enum notice_point find_point(struct str name)
{
    enum notice_point point = NOTICE_START;
    while (point < NOTICE_POINTS && !str_equal_text(name, points[point].name)) {
        point++;
    }
    return point;
}

/* Members that say how it is sent. */
static bool is_of_node(struct str key)
{
    return str_equal(key, STR("type")) || str_equal(key, STR("when"));
}

/* Members that are no part of a message. */
static bool is_of_all(struct str key)
{
    return str_equal(key, STR("on")) || is_of_node(key) || find_point(key) != NOTICE_POINTS;
}

static void read_point(struct draft *draft, const struct tree *item, struct told *told)
{
    struct suggest nearest = suggest_start(tree_is_scalar(item) ? item->text : STR(""));
    enum notice_point point = tree_is_scalar(item) ? find_point(item->text) : NOTICE_POINTS;
    if (point != NOTICE_POINTS) {
        told->has[point] = true;
        return;
    }
    for (size_t i = 0; i < NOTICE_POINTS; i++) {
        suggest_offer(&nearest, str_from(points[i].name));
    }
    report_error(
        report_of(draft), item->place,
        "'notifications' are sent at 'start', 'milestones', 'completion' and 'errors', not "
        "%s%.*s%s",
        tree_is_scalar(item) ? "'" : "at ",
        STR_ARG(tree_is_scalar(item) ? item->text : str_from(tree_kind_name(item))),
        tree_is_scalar(item) ? "'" : "");
    report_nearest(report_of(draft), &nearest);
}

/* A list of points, or one. */
static void read_points(struct draft *draft, const struct tree *list, struct told *told)
{
    if (!tree_is(list, TREE_LIST)) {
        read_point(draft, list, told);
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        read_point(draft, &list->as.items[i], told);
    }
}

/* What a point says of its own. `on` chooses, where it is there, else what is said of points. */
static void read_own(struct draft *draft, enum notice_point point, const struct tree_member *own,
                     struct told *told)
{
    const struct tree *on = tree_get(told->map, STR("on"));
    told->has[point] = told->has[point] || on == NULL;
    told->own[point] = tree_is(&own->value, TREE_MAP) ? &own->value : NULL;
    if (!tree_is(&own->value, TREE_MAP) && !tree_is(&own->value, TREE_NULL)) {
        report_error(report_of(draft), own->value.place,
                     "'%s' of 'notifications' must be a map of what its message says, not %s",
                     points[point].name, tree_kind_name(&own->value));
    } else if (!told->has[point] && on->place.file == own->key.place.file) {
        report_warning(report_of(draft), own->key.place,
                       "the message '%s' is never sent: it is not in 'on'", points[point].name);
    }
}

static void read_map(struct draft *draft, const struct tree *map, struct told *told)
{
    const struct tree *on = tree_get(map, STR("on"));
    bool has_points = on != NULL;
    told->map = map;
    if (on != NULL) {
        read_points(draft, on, told);
    }
    for (enum notice_point i = NOTICE_START; i < NOTICE_POINTS; i++) {
        const struct tree_member *own = tree_find(map, str_from(points[i].name));
        if (own != NULL) {
            has_points = true;
            read_own(draft, i, own, told);
        }
    }
    for (size_t i = 0; !has_points && i < NOTICE_POINTS; i++) {
        told->has[i] = true;
    }
}

/* ---- the nodes that send ---- */

static struct tree text_at(struct place place, const char *text)
{
    return (struct tree){.kind = TREE_TEXT,
                         .style = TREE_BLOCK,
                         .size = 1,
                         .start = UINT32_MAX, /* it stands nowhere */
                         .place = place,
                         .text = str_from(text)};
}

/* A map that stands nowhere, for faults of it at `place`. */
static int begin_map(struct tree *out, struct place place, size_t count, struct arena *arena)
{
    const struct tree nowhere = {.start = UINT32_MAX, .place = place};
    return tree_build_begin(out, &nowhere, count, arena);
}

static void add_copy(struct tree *map, struct tree key, struct tree value)
{
    tree_build_add(map, &(struct tree_member){key, value});
}

/* The message of one point: what is said for all, with its own over it. */
static int make_config(struct draft *draft, const struct told *told, enum notice_point point,
                       struct tree *out)
{
    const struct tree *own = told->own[point];
    size_t count = (told->map != NULL ? told->map->count : 0) + (own != NULL ? own->count : 0);
    int status =
        begin_map(out, own != NULL ? own->place : told->place, count, &draft->loader->arena);
    if (status != 0) {
        return status;
    }
    for (uint32_t i = 0; told->map != NULL && i < told->map->count; i++) {
        const struct tree_member *member = &told->map->as.members[i];
        if (!is_of_all(member->key.text) && tree_find(own, member->key.text) == NULL) {
            tree_build_add(out, member);
        }
    }
    for (uint32_t i = 0; own != NULL && i < own->count; i++) {
        if (!is_of_node(own->as.members[i].key.text)) {
            tree_build_add(out, &own->as.members[i]);
        }
    }
    return 0;
}

/* What is said of a point, or else of all; NULL: nothing. */
static const struct tree *find_of_node(const struct told *told, enum notice_point point,
                                       struct str key)
{
    const struct tree *own = tree_get(told->own[point], key);
    return own != NULL ? own : tree_get(told->map, key);
}

/* The node type that sends; NULL: nobody says whom. */
static const char *default_type(const struct told *told, const struct tree *config)
{
    return tree_find(config, STR("to")) != NULL ? DEFAULT_TYPE
           : told->has_channels                 ? CHANNELS_TYPE
                                                : NULL;
}

static bool has_channels(const struct draft *draft)
{
    const struct tree *slack = tree_get(tree_get(draft->tree, STR("integrations")), STR("slack"));
    return tree_get(tree_get(slack, STR("channels")), STR("default")) != NULL;
}

static int add_notice(struct draft *draft, enum notice_point point, const struct told *told,
                      const struct tree *config)
{
    struct arena *arena = &draft->loader->arena;
    struct tree *node = arena_calloc(arena, 1, sizeof(*node));
    const struct tree *type = find_of_node(told, point, STR("type"));
    const struct tree *when = find_of_node(told, point, STR("when"));
    struct place place = config->place;
    if (node == NULL || begin_map(node, place, 3, arena) != 0) {
        return E_NOMEM;
    }
    add_copy(node, text_at(place, "type"),
             type != NULL ? *type : text_at(place, default_type(told, config)));
    add_copy(node, text_at(place, "config"), *config);
    if (when != NULL) {
        add_copy(node, text_at(place, "when"), *when);
    }
    struct draft_body body = {
        .form = FORM_ONE,
        .is_notice = true,
        .owner = DRAFT_NO_NODE,
        .tree = node,
        .list = node,
        .what = str_from(points[point].body),
        .place = place,
    };
    return draft_add_body(draft, &body, &draft->storage->pipeline.notices[point]);
}

int notifications_add(struct draft *draft)
{
    const struct tree *tree = tree_get(draft->tree, STR("notifications"));
    struct told told = {.place = tree != NULL ? tree->place : (struct place){0},
                        .has_channels = has_channels(draft)};
    bool is_untold = false;
    int status = 0;
    if (tree == NULL || draft->is_profile) {
        return 0;
    }
    if (tree_is(tree, TREE_MAP)) {
        read_map(draft, tree, &told);
    } else {
        read_points(draft, tree, &told);
    }
    for (enum notice_point i = NOTICE_START; i < NOTICE_POINTS && status == 0; i++) {
        struct tree config;
        status = told.has[i] ? make_config(draft, &told, i, &config) : 0;
        bool is_nobody = status == 0 && told.has[i] &&
                         find_of_node(&told, i, STR("type")) == NULL &&
                         default_type(&told, &config) == NULL;
        is_untold = is_untold || is_nobody;
        if (status == 0 && told.has[i] && !is_nobody) {
            status = add_notice(draft, i, &told, &config);
        }
    }
    if (status == 0 && is_untold) {
        report_warning(report_of(draft), told.place,
                       "nobody is told: 'notifications' does not say whom");
        report_hint(report_of(draft), "write notifications: {to: NAME, on: [errors]}, with the "
                                      "target NAME under integrations: {notify: {targets: ...}}");
    }
    return status;
}

/* ---- what they say ---- */

static enum notice_point point_of(const struct draft *draft, uint32_t index)
{
    enum notice_point point = NOTICE_START;
    while (draft->storage->pipeline.notices[point] != draft->nodes[index].body) {
        point++;
    }
    return point;
}

/* Where there is no title the text begins with it. */
static const char *make_text(struct draft *draft, const struct point *point, bool has_title)
{
    size_t size = strlen(point->title) + strlen(point->text) + sizeof("\n");
    char *both = has_title ? NULL : arena_alloc(&draft->loader->arena, size);
    if (both != NULL) {
        (void)snprintf(both, size, "%s\n%s", point->title, point->text); /* it has the room */
    }
    return has_title ? point->text : both;
}

int notifications_fill_config(struct draft *draft, uint32_t index, struct tree *config)
{
    const struct node *node = &draft->nodes[index];
    const struct point *point = &points[point_of(draft, index)];
    const struct schema *schema = node->type->config_schema;
    const struct value *root = schema != NULL ? schema_source(schema) : NULL;
    const struct value *properties = root != NULL ? schema_marks_properties(root, root) : NULL;
    bool has_title = value_get(properties, STR("title")) != NULL;
    const struct {
        const char *key;
        const char *value;
    } defaults[] = {
        {"title", point->title},
        {"text", make_text(draft, point, has_title)},
        {"severity", point->severity},
    };
    size_t most = sizeof(defaults) / sizeof(defaults[0]);
    struct tree_member *members =
        arena_calloc(&draft->loader->arena, config->count + most, sizeof(*members));
    if (members == NULL || defaults[1].value == NULL) {
        return E_NOMEM;
    }
    if (config->count > 0) {
        memcpy(members, config->as.members, config->count * sizeof(*members));
    }
    const struct tree given = *config;
    config->as.members = members;
    for (size_t i = 0; i < most; i++) {
        struct str key = str_from(defaults[i].key);
        if (value_get(properties, key) != NULL && tree_find(&given, key) == NULL) {
            add_copy(config, text_at(config->place, defaults[i].key),
                     text_at(config->place, defaults[i].value));
        }
    }
    return 0;
}

/* ---- milestones ---- */

void notifications_mark(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        uint32_t at = i;
        const struct draft_body *in = &draft->body_drafts[draft->nodes[at].body];
        while (in->owner != DRAFT_NO_NODE && !in->is_compensation) {
            at = in->owner;
            in = &draft->body_drafts[draft->nodes[at].body];
        }
        draft->nodes[at].is_told = draft->nodes[at].is_told || draft->nodes[i].is_milestone;
    }
}
