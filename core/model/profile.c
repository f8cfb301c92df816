/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `extends`: a definition laid over a profile, key by key. What comes from the profile keeps its
 * place, so that messages about it point there.
 */
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/tree.h"
#include "core/model/tree_build.h"

enum { PROFILE_MAX_CHAIN = 16 };

/* Two maps of the same key. */
struct layers {
    const struct tree *near;
    const struct tree *far;
};

/* What says which definition this is stays behind. */
static bool is_own_key(struct str key)
{
    static const char *const names[] = {"id",      "name",    "description",
                                        "version", "extends", "$schema"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(key, names[i])) {
            return true;
        }
    }
    return str_starts_with(key, STR("x-"));
}

static bool is_merged_key(struct str key)
{
    static const char *const names[] = {"integrations",  "resilience", "scaling", "config",
                                        "environment",   "labels",     "input",   "monitoring",
                                        "notifications", "retention"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(key, names[i])) {
            return true;
        }
    }
    return false;
}

/* Fails with E_NOMEM. */
static int index_members(const struct tree *map, struct strmap *out)
{
    int status = 0;
    for (uint32_t i = 0; i < map->count && (status == 0 || status == E_EXISTS); i++) {
        status =
            strmap_add(out, map->as.members[i].key.text, (void *)(uintptr_t)&map->as.members[i]);
    }
    return status == E_EXISTS ? 0 : status;
}

/* Which map it is, as far as that matters. */
enum map_kind {
    MAP_TOP,
    MAP_INTEGRATIONS,
    MAP_POLICIES, /* one of these, or `resilience` */
    MAP_BREAKER,
    MAP_OTHER,
};

/* What the value of `key` is in a map of that kind. */
static enum map_kind kind_below(enum map_kind kind, struct str key)
{
    if (kind == MAP_TOP && str_equal_text(key, "integrations")) {
        return MAP_INTEGRATIONS;
    }
    if (kind == MAP_INTEGRATIONS || (kind == MAP_TOP && str_equal_text(key, "resilience"))) {
        return MAP_POLICIES;
    }
    return kind == MAP_POLICIES && str_equal_text(key, "circuit_breaker") ? MAP_BREAKER : MAP_OTHER;
}

/* Whether the map has the other name of a key that has two: the nearer one stands for both. */
static bool has_other_name(enum map_kind kind, const struct strmap *map, struct str key)
{
    static const char *const names[] = {"reset_timeout", "reset_timeout_seconds"};
    return kind == MAP_BREAKER &&
           ((str_equal_text(key, names[0]) && strmap_get(map, str_from(names[1])) != NULL) ||
            (str_equal_text(key, names[1]) && strmap_get(map, str_from(names[0])) != NULL));
}

static int merge_maps(struct arena *arena, struct layers layers, enum map_kind kind,
                      struct tree *out);

/* A value alone as the map with `key` that it stands for, so that maps can be laid over each other.
 */
static int open_value(struct arena *arena, const struct tree *value, struct str key,
                      struct tree *out)
{
    struct tree_member member = {.key = *value, .value = *value};
    member.key.kind = TREE_TEXT;
    member.key.text = key;
    int status = tree_build_begin(out, value, 1, arena);
    if (status == 0) {
        tree_build_add(out, &member);
    }
    return status;
}

static bool is_rate_below_map(enum map_kind kind, const struct tree_member *near,
                              const struct tree_member *far)
{
    return kind == MAP_POLICIES && far != NULL && str_equal_text(near->key.text, "rate_limit") &&
           tree_is(&near->value, TREE_MAP) && tree_is(&far->value, TREE_TEXT) &&
           !str_equal_text(far->value.text, "off");
}

/* One says at which points, the other what and to whom. */
static bool is_points_with_map(enum map_kind kind, const struct tree_member *near,
                               const struct tree_member *far)
{
    return kind == MAP_TOP && far != NULL && str_equal_text(near->key.text, "notifications") &&
           ((tree_is(&near->value, TREE_LIST) && tree_is(&far->value, TREE_MAP)) ||
            (tree_is(&near->value, TREE_MAP) && tree_is(&far->value, TREE_LIST)));
}

static int merge_opened(struct arena *arena, struct layers layers, struct str key, struct tree *out)
{
    struct tree opened;
    bool is_near = !tree_is(layers.near, TREE_MAP);
    int status = open_value(arena, is_near ? layers.near : layers.far, key, &opened);
    struct layers both = {is_near ? &opened : layers.near, is_near ? layers.far : &opened};
    return status == 0 ? merge_maps(arena, both, MAP_OTHER, out) : status;
}

/* The value of `near`, with that of `far` under it where both are maps. */
static int merge_member(struct arena *arena, const struct tree_member *near,
                        const struct tree_member *far, enum map_kind kind, struct tree_member *out)
{
    *out = *near;
    if (is_rate_below_map(kind, near, far)) {
        struct layers rates = {&near->value, &far->value};
        return merge_opened(arena, rates, STR("rate"), &out->value);
    }
    if (is_points_with_map(kind, near, far)) {
        struct layers points = {&near->value, &far->value};
        return merge_opened(arena, points, STR("on"), &out->value);
    }
    if (far == NULL || !tree_is(&near->value, TREE_MAP) || !tree_is(&far->value, TREE_MAP) ||
        (kind == MAP_TOP && !is_merged_key(near->key.text))) {
        return 0;
    }
    struct layers layers = {&near->value, &far->value};
    return merge_maps(arena, layers, kind_below(kind, near->key.text), &out->value);
}

/* No deeper than the readers let trees be. */
static int merge_maps(struct arena *arena, struct layers layers, enum map_kind kind,
                      struct tree *out)
{
    const struct tree *near = layers.near;
    const struct tree *far = layers.far;
    struct strmap in_near = STRMAP_INIT;
    struct strmap in_far = STRMAP_INIT;
    struct tree map;
    int status = tree_build_begin(&map, near, (size_t)near->count + far->count, arena);
    if (status == 0) {
        status = index_members(near, &in_near);
    }
    if (status == 0) {
        status = index_members(far, &in_far);
    }
    for (uint32_t i = 0; i < near->count && status == 0; i++) {
        struct tree_member merged;
        const struct tree_member *member = &near->as.members[i];
        status = merge_member(arena, member, strmap_get(&in_far, member->key.text), kind, &merged);
        tree_build_add(&map, status == 0 ? &merged : member);
    }
    for (uint32_t i = 0; i < far->count && status == 0; i++) {
        const struct tree_member *member = &far->as.members[i];
        if (strmap_get(&in_near, member->key.text) == NULL &&
            !has_other_name(kind, &in_near, member->key.text) &&
            !(kind == MAP_TOP && is_own_key(member->key.text))) {
            tree_build_add(&map, member);
        }
    }
    strmap_finish(&in_near);
    strmap_finish(&in_far);
    if (status == 0) {
        *out = map;
    }
    return status;
}

/* A pipeline of one node has a `config` and a `timeout` of another meaning. */
static void check_single(const struct definition *definition, const struct tree *far)
{
    static const char *const names[] = {"config", "timeout"};
    bool is_single = tree_find(definition->tree, STR("type")) != NULL ||
                     tree_find(definition->tree, STR("service")) != NULL;
    for (size_t i = 0; is_single && i < sizeof(names) / sizeof(names[0]); i++) {
        const struct tree_member *member = tree_find(far, str_from(names[i]));
        if (member != NULL) {
            report_error(&definition->loader->report, member->key.place,
                         "'%.*s' is of one node and cannot take '%s' from a profile",
                         STR_ARG(definition->id), names[i]);
            report_hint(&definition->loader->report, "put the node into 'nodes'");
        }
    }
}

static int lay_over(struct definition *definition, const struct definition *profile)
{
    struct arena *arena = &definition->loader->arena;
    struct tree *whole = arena_calloc(arena, 1, sizeof(*whole));
    struct layers layers = {definition->tree, profile->whole};
    if (whole == NULL) {
        return E_NOMEM;
    }
    check_single(definition, profile->whole);
    int status = merge_maps(arena, layers, MAP_TOP, whole);
    if (status == 0) {
        definition->whole = whole;
    }
    return status;
}

/* ---- chains ---- */

/* The chain from the definition itself to what has nothing above it, or is wrong. */
struct chain {
    struct definition *links[PROFILE_MAX_CHAIN];
    size_t count;
};

static const struct tree *extends_of(const struct definition *definition)
{
    const struct tree *extends = tree_get(definition->tree, STR("extends"));
    return tree_is_scalar(extends) && extends->kind != TREE_NULL ? extends : NULL;
}

static void report_unknown(struct definition *definition, const struct tree *extends,
                           const struct error *err)
{
    const struct report *report = &definition->loader->report;
    if (definition_is_doubled(definition->loader, extends->place, extends->text, err)) {
        return;
    }
    struct str nearest = definition_nearest(definition->loader, extends->text);
    report_error(report, extends->place, "there is no profile '%.*s'", STR_ARG(extends->text));
    if (nearest.n > 0) {
        report_hint(report, "did you mean '%.*s'? %s", STR_ARG(nearest), err->message);
    } else {
        report_hint(report, "%s", err->message);
    }
}

static void report_circle(const struct chain *chain, const struct definition *again)
{
    const struct definition *last = chain->links[chain->count - 1];
    struct strbuf text = STRBUF_INIT;
    bool is_inside = false;
    for (size_t i = 0; i < chain->count; i++) {
        is_inside = is_inside || chain->links[i] == again;
        if (is_inside) {
            strbuf_append_format(&text, "%.*s → ", STR_ARG(chain->links[i]->id));
        }
    }
    report_error(&last->loader->report, extends_of(last)->place,
                 "'extends' goes in a circle: %.*s%.*s", STR_ARG(strbuf_str(&text)),
                 STR_ARG(again->id));
    strbuf_finish(&text);
}

static bool is_in(const struct chain *chain, const struct definition *definition)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->links[i] == definition) {
            return true;
        }
    }
    return false;
}

/* The profile above the last link; NULL when there is none, or it is wrong. */
static int find_above(struct chain *chain, struct definition **out_profile)
{
    struct definition *last = chain->links[chain->count - 1];
    const struct tree *extends = extends_of(last);
    const struct report *report = &last->loader->report;
    struct definition *profile = NULL;
    struct error err = {0};
    *out_profile = NULL;
    if (extends == NULL) {
        return 0;
    }
    int status = definition_find(last->loader, extends->text, &profile, &err);
    if (status != 0) {
        return status;
    }
    if (profile == NULL) {
        if (err.code != 0) {
            report_unknown(last, extends, &err);
        }
    } else if (is_in(chain, profile)) {
        report_circle(chain, profile);
    } else if (!draft_is_profile(profile->tree)) {
        report_error(report, extends->place, "'%.*s' cannot be extended: it has a body",
                     STR_ARG(profile->id));
        report_hint(report, "put what both share into a profile: a definition without a body");
    } else if (chain->count == PROFILE_MAX_CHAIN) {
        report_error(report, extends->place, "'extends' goes on for more than %d profiles",
                     PROFILE_MAX_CHAIN);
    } else {
        *out_profile = profile;
    }
    return 0;
}

int profile_resolve(struct definition *definition)
{
    struct chain chain = {.links = {definition}, .count = 1};
    struct definition *above = definition;
    int status = 0;
    while (above != NULL && above->whole == NULL && status == 0) {
        status = integration_files_read(above);
        if (status == 0) {
            status = find_above(&chain, &above);
        }
        if (status == 0 && above != NULL) {
            chain.links[chain.count++] = above;
        }
    }
    while (chain.count > 0 && status == 0) {
        struct definition *link = chain.links[--chain.count];
        if (link->whole != NULL) {
            above = link;
            continue;
        }
        if (above != NULL) {
            status = lay_over(link, above);
        } else {
            link->whole = link->tree;
        }
        above = link;
    }
    return status;
}
