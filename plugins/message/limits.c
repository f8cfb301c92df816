/* SPDX-License-Identifier: Apache-2.0 */
#include "message/limits.h"

#include <stdio.h>

#include "message/piece.h"

enum { PATH_BYTES = 160, DEEP = 8, IDS = 128, MESSAGE_BLOCKS = 50, VIEW_BLOCKS = 100 };

/* ---- What Slack documents ---- */

enum kind {
    TEXT,  /* so many characters: a text, or the `text` of a text object */
    PLAIN, /* the same, as a plain_text object */
    LIST,  /* so many items */
    EACH,  /* so many characters in each of its items */
};

struct limit {
    const char *of; /* the type, or of what has none the member that it stands under */
    const char *member;
    enum kind kind;
    int is_needed;
    uint64_t most;
};

static const struct limit limits[] = {
    {"", "block_id", TEXT, 0, 255},
    {"", "action_id", TEXT, 0, 255},
    {"section", "text", TEXT, 0, 3000},
    {"section", "fields", LIST, 0, 10},
    {"section", "fields", EACH, 0, 2000},
    {"header", "text", PLAIN, 1, 150},
    {"image", "image_url", TEXT, 0, 3000},
    {"image", "alt_text", TEXT, 1, 2000},
    {"image", "title", PLAIN, 0, 2000},
    {"context", "elements", LIST, 1, 10},
    {"actions", "elements", LIST, 1, 25},
    {"input", "label", PLAIN, 1, 2000},
    {"input", "hint", PLAIN, 0, 2000},
    {"markdown", "text", TEXT, 1, 12000},
    {"table", "rows", LIST, 1, 100},
    {"video", "title", PLAIN, 1, 199},
    {"video", "alt_text", TEXT, 1, 2000},
    {"video", "author_name", TEXT, 0, 49},
    {"video", "description", PLAIN, 0, 200},
    {"button", "text", PLAIN, 1, 75},
    {"button", "url", TEXT, 0, 3000},
    {"button", "value", TEXT, 0, 2000},
    {"button", "accessibility_label", TEXT, 0, 75},
    {"static_select", "placeholder", PLAIN, 0, 150},
    {"static_select", "options", LIST, 0, 100},
    {"static_select", "option_groups", LIST, 0, 100},
    {"multi_static_select", "placeholder", PLAIN, 0, 150},
    {"multi_static_select", "options", LIST, 0, 100},
    {"multi_static_select", "option_groups", LIST, 0, 100},
    {"external_select", "placeholder", PLAIN, 0, 150},
    {"users_select", "placeholder", PLAIN, 0, 150},
    {"conversations_select", "placeholder", PLAIN, 0, 150},
    {"channels_select", "placeholder", PLAIN, 0, 150},
    {"datepicker", "placeholder", PLAIN, 0, 150},
    {"timepicker", "placeholder", PLAIN, 0, 150},
    {"plain_text_input", "placeholder", PLAIN, 0, 150},
    {"overflow", "options", LIST, 1, 5},
    {"checkboxes", "options", LIST, 1, 10},
    {"radio_buttons", "options", LIST, 1, 10},
    {"options", "text", TEXT, 1, 75},
    {"options", "value", TEXT, 0, 150},
    {"options", "description", TEXT, 0, 75},
    {"option_groups", "label", PLAIN, 1, 75},
    {"option_groups", "options", LIST, 1, 100},
    {"confirm", "title", PLAIN, 0, 100},
    {"confirm", "text", TEXT, 0, 300},
    {"confirm", "confirm", PLAIN, 0, 30},
    {"confirm", "deny", PLAIN, 0, 30},
    {"modal", "title", PLAIN, 1, 24},
    {"modal", "submit", PLAIN, 0, 24},
    {"modal", "close", PLAIN, 0, 24},
    {"modal", "private_metadata", TEXT, 0, 3000},
    {"modal", "callback_id", TEXT, 0, 255},
    {"modal", "external_id", TEXT, 0, 255},
};

/* Where more of them are found. */
static const char *const inside[] = {"accessory", "element",       "elements",
                                     "options",   "option_groups", "confirm"};

/* ---- The walk ---- */

struct ids {
    ops_str ids[IDS];
    size_t n;
};

struct walk {
    struct text *why;
    struct ids blocks;
    struct ids actions; /* of the block in hand */
};

struct place {
    char path[PATH_BYTES];
    ops_str of; /* its type, or what stands for it */
    uint32_t depth;
};

/* 0, for its caller to return. */
static int say(struct walk *walk, const struct place *place, const char *member, const char *what)
{
    text_append_literal(walk->why, place->path);
    if (place->of.n > 0) {
        text_append_literal(walk->why, " (");
        text_append_line(walk->why, place->of, 40);
        text_append_literal(walk->why, ")");
    }
    text_append_literal(walk->why, ": '");
    text_append_literal(walk->why, member);
    text_append_literal(walk->why, "' ");
    text_append_literal(walk->why, what);
    return 0;
}

static int say_number(struct walk *walk, const struct place *place, const struct limit *limit,
                      uint64_t number)
{
    char what[128];
    int is_text = limit->kind != LIST;
    (void)snprintf(what, sizeof what, "has %s%llu %s, and Slack takes %llu at most",
                   limit->kind == EACH ? "an item of " : "", (unsigned long long)number,
                   is_text ? "characters" : "items", (unsigned long long)limit->most);
    return say(walk, place, limit->member, number == 0 ? "is empty" : what);
}

static ops_str text_of(ops_val v)
{
    ops_str text = {NULL, 0};
    if (ops.value->get_str(ops.h, v, &text) != OPS_OK) {
        text = ops_get_str(v, "text", NULL);
    }
    return text;
}

static int is_each_good(struct walk *walk, const struct place *place, const struct limit *limit,
                        ops_val list)
{
    for (uint64_t i = 0; i < ops.value->count(ops.h, list); i++) {
        ops_val item = 0;
        (void)ops.value->at(ops.h, list, i, &item); /* it is there */
        size_t units = piece_units(text_of(item));
        if (units > limit->most) {
            return say_number(walk, place, limit, units);
        }
    }
    return 1;
}

static int is_limit_kept(struct walk *walk, const struct place *place, const struct limit *limit,
                         ops_val object)
{
    ops_val v = ops_get(object, limit->member);
    uint32_t type = ops.value->type(ops.h, v);
    if (type == OPS_TYPE_NONE || type == OPS_TYPE_NULL) {
        return !limit->is_needed || say(walk, place, limit->member, "is missing");
    }
    if (limit->kind == EACH) {
        return is_each_good(walk, place, limit, v);
    }
    if (limit->kind == LIST && type != OPS_TYPE_LIST) {
        return say(walk, place, limit->member, "is no list");
    }
    if (limit->kind == PLAIN &&
        (type != OPS_TYPE_MAP || !ops_equal(ops_get_str(v, "type", NULL), "plain_text"))) {
        return say(walk, place, limit->member, "is no text object of type plain_text");
    }
    uint64_t number = limit->kind == LIST ? ops.value->count(ops.h, v) : piece_units(text_of(v));
    int is_good = number <= limit->most && (number > 0 || !limit->is_needed);
    return is_good || say_number(walk, place, limit, number);
}

/* Notes an id; 0: it is there already. */
static int note_id(struct walk *walk, const struct place *place, struct ids *ids, ops_val object,
                   const char *member)
{
    ops_str id = ops_get_str(object, member, NULL);
    for (size_t i = 0; id.n > 0 && i < ids->n; i++) {
        if (ids->ids[i].n == id.n && memcmp(ids->ids[i].p, id.p, (size_t)id.n) == 0) {
            return say(walk, place, member, "is that of another, too");
        }
    }
    if (id.n > 0 && ids->n < IDS) {
        ids->ids[ids->n++] = id;
    }
    return 1;
}

static int check_object(struct walk *walk, struct place place, ops_val object);

/* Each of a list, or the one that it is. */
static int check_inside(struct walk *walk, const struct place *place, const char *member, ops_val v)
{
    int is_list = ops.value->type(ops.h, v) == OPS_TYPE_LIST;
    uint64_t n = is_list ? ops.value->count(ops.h, v) : v != 0;
    for (uint64_t i = 0; i < n; i++) {
        struct place next = {.of = ops_text(member), .depth = place->depth + 1};
        ops_val item = v;
        if (is_list) {
            (void)ops.value->at(ops.h, v, i, &item); /* it is there */
        }
        int length = is_list ? snprintf(next.path, PATH_BYTES, "%s.%s[%llu]", place->path, member,
                                        (unsigned long long)i)
                             : snprintf(next.path, PATH_BYTES, "%s.%s", place->path, member);
        if (length < PATH_BYTES && ops.value->type(ops.h, item) == OPS_TYPE_MAP &&
            !check_object(walk, next, item)) {
            return 0;
        }
    }
    return 1;
}

static int check_object(struct walk *walk, struct place place, ops_val object)
{
    ops_str type = ops_get_str(object, "type", NULL);
    place.of = type.n > 0 ? type : place.of;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct limit *limit = &limits[i];
        int is_its = limit->of[0] == '\0' || ops_equal(place.of, limit->of);
        if (is_its && !is_limit_kept(walk, &place, limit, object)) {
            return 0;
        }
    }
    if (!note_id(walk, &place, &walk->actions, object, "action_id")) {
        return 0;
    }
    for (size_t i = 0; place.depth < DEEP && i < sizeof inside / sizeof inside[0]; i++) {
        if (!check_inside(walk, &place, inside[i], ops_get(object, inside[i]))) {
            return 0;
        }
    }
    return 1;
}

static int check_block(struct walk *walk, uint64_t i, ops_val block)
{
    struct place place = {.of = ops_get_str(block, "type", NULL)};
    (void)snprintf(place.path, PATH_BYTES, "blocks[%llu]", (unsigned long long)i);
    if (place.of.n == 0) {
        return say(walk, &place, "type", "is missing");
    }
    if (ops_equal(place.of, "section") && ops_get(block, "text") == 0 &&
        ops_get(block, "fields") == 0) {
        return say(walk, &place, "text", "is missing: a section has 'text' or 'fields'");
    }
    walk->actions.n = 0;
    return note_id(walk, &place, &walk->blocks, block, "block_id") &&
           check_object(walk, place, block);
}

static int check_blocks(struct walk *walk, ops_val blocks, uint64_t most)
{
    uint64_t n = ops.value->count(ops.h, blocks);
    if (n > most) {
        char what[96];
        (void)snprintf(what, sizeof what, "there are %llu blocks, and Slack takes %llu at most",
                       (unsigned long long)n, (unsigned long long)most);
        text_append_literal(walk->why, what);
        return 0;
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_val block = 0;
        (void)ops.value->at(ops.h, blocks, i, &block); /* it is there */
        if (!check_block(walk, i, block)) {
            return 0;
        }
    }
    return 1;
}

int limits_check_blocks(ops_val blocks, struct text *why)
{
    struct walk walk = {.why = why};
    return check_blocks(&walk, blocks, MESSAGE_BLOCKS);
}

int limits_check_view(ops_val view, struct text *why)
{
    struct walk walk = {.why = why};
    struct place place = {.path = "view", .of = ops_get_str(view, "type", NULL), .depth = DEEP};
    return check_object(&walk, place, view) &&
           check_blocks(&walk, ops_get(view, "blocks"), VIEW_BLOCKS);
}
