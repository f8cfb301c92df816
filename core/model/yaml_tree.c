/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events in, a tree out. Containers that are still open lie on a stack; what they have
 * so far waits in one growing array, `pending` (for maps: key, value, key, value), and moves to
 * the arena when the container ends. Nothing recurses.
 */
#include "core/model/yaml_tree.h"

#include <string.h>
#include <yaml.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/strmap.h"
#include "core/model/cursor.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/tree_build.h"
#include "core/model/yaml_error.h"
#include "core/model/yaml_layout.h"
#include "core/model/yaml_scalar.h"

enum { LONGEST_KEY = 1024 }; /* libyaml's, and YAML's */

struct anchor {
    struct tree tree;
    bool is_done; /* false: its container is still open */
};

struct open_container {
    struct tree tree; /* kind and place */
    size_t first;     /* of its items, in pending */
    struct anchor *anchor;
    struct yaml_surroundings around; /* of what is in it */
};

struct yaml_reader {
    const struct report *report;
    struct arena *arena;
    yaml_parser_t parser;
    size_t read; /* bytes that the parser has got */
    struct cursor cursor;
    struct yaml_layout layout;
    struct tree *pending;
    size_t pending_count;
    size_t pending_cap;
    struct open_container open[TREE_MAX_DEPTH];
    uint32_t depth;
    struct strmap anchors; /* struct anchor */
    uint64_t aliased;      /* nodes that came from aliases */
    struct tree root;
    bool has_root;
    bool is_done;
    bool is_refused;         /* something was reported that is no reason to stop reading */
    uint32_t last_line;      /* where the last scalar begins */
    enum yaml_behind behind; /* the last value or document */
    bool is_doubled;         /* keys were: reported, and all members are in the tree */
};

static int refuse(struct yaml_reader *reader, struct place place, const char *message,
                  const char *hint)
{
    report_error(reader->report, place, "%s", message);
    if (hint != NULL) {
        report_hint(reader->report, "%s", hint);
    }
    return E_INVALID;
}

/* The same, and reading goes on, so that all of a kind show at once. */
static void refuse_later(struct yaml_reader *reader, struct place place, const char *message,
                         const char *hint)
{
    (void)refuse(reader, place, message, hint); /* read_events() returns it in the end */
    reader->is_refused = true;
}

static struct tree tree_at(struct yaml_reader *reader, const yaml_mark_t *mark)
{
    cursor_to_index(&reader->cursor, mark->index);
    return (struct tree){
        .size = 1, .start = (uint32_t)reader->cursor.offset, .place = reader->cursor.place};
}

static bool is_at_key(const struct yaml_reader *reader)
{
    if (reader->depth == 0) {
        return false;
    }
    const struct open_container *top = &reader->open[reader->depth - 1];
    return top->tree.kind == TREE_MAP && (reader->pending_count - top->first) % 2 == 0;
}

static int check_key(struct yaml_reader *reader, const struct tree *key)
{
    if (!tree_is_scalar(key)) {
        (void)refuse(reader, key->place, "a key must be text", NULL);
        (void)yaml_error_hint_quotes(reader->report, key); /* the hint may not apply */
        return E_INVALID;
    }
    if (key->style == TREE_PLAIN && str_equal_text(key->text, "<<")) {
        refuse_later(reader, key->place, "merge keys ('<<') are not allowed", "write the keys out");
    }
    return 0;
}

static int add_value(struct yaml_reader *reader, const struct tree *tree)
{
    if (reader->depth == 0) {
        reader->root = *tree;
        reader->has_root = true;
        return 0;
    }
    if (is_at_key(reader)) {
        int status = check_key(reader, tree);
        if (status != 0) {
            return status;
        }
    }
    struct tree *pending = array_reserve(reader->pending, &reader->pending_cap,
                                         reader->pending_count + 1, sizeof(*pending));
    if (pending == NULL) {
        return E_NOMEM;
    }
    reader->pending = pending;
    pending[reader->pending_count++] = *tree;
    return 0;
}

/* Gives the anchor `name` a fresh meaning; an earlier one stays with its aliases. */
static int set_anchor(struct yaml_reader *reader, const char *name, const struct tree *tree,
                      struct anchor **out_anchor)
{
    struct anchor *anchor = strmap_get(&reader->anchors, str_from(name));
    if (anchor == NULL) {
        struct str key = arena_dup_str(reader->arena, str_from(name));
        anchor = arena_calloc(reader->arena, 1, sizeof(*anchor));
        if (key.p == NULL || anchor == NULL || strmap_add(&reader->anchors, key, anchor) != 0) {
            return E_NOMEM;
        }
    }
    anchor->tree = *tree;
    anchor->is_done = tree_is_scalar(tree);
    *out_anchor = anchor;
    return 0;
}

static void check_tag(struct yaml_reader *reader, const void *tag, struct place place)
{
    if (tag != NULL) {
        refuse_later(reader, place, "tags are not allowed",
                     "put text that begins with '!' in quotes");
    }
}

static enum tree_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return TREE_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return TREE_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        return TREE_BLOCK;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
        return TREE_PLAIN;
    }
    return TREE_PLAIN;
}

static const struct yaml_surroundings *surroundings(const struct yaml_reader *reader)
{
    static const struct yaml_surroundings top_level = {0};
    return reader->depth > 0 ? &reader->open[reader->depth - 1].around : &top_level;
}

static enum yaml_source source_of(enum tree_style style)
{
    switch (style) {
    case TREE_PLAIN:
        return YAML_SOURCE_PLAIN;
    case TREE_SINGLE_QUOTED:
    case TREE_DOUBLE_QUOTED:
        return YAML_SOURCE_QUOTED;
    case TREE_BLOCK:
        return YAML_SOURCE_BLOCK;
    }
    return YAML_SOURCE_PLAIN;
}

/* The event's mark is at its anchor, if it has one; the scalar begins behind it. */
static void check_layout(struct yaml_reader *reader, const yaml_event_t *event, struct tree *scalar)
{
    struct yaml_layout *layout = &reader->layout;
    const struct yaml_surroundings *around = surroundings(reader);
    size_t end = event->end_mark.index;
    if (event->start_mark.index == end) {
        return; /* nothing is there */
    }
    yaml_layout_gap(layout, event->start_mark.index, around);
    yaml_layout_properties(layout, end, around);
    if (event->data.scalar.anchor != NULL) {
        scalar->start = (uint32_t)layout->cursor.offset;
        scalar->place = layout->cursor.place;
    }
    yaml_layout_scalar(layout, end, source_of((enum tree_style)scalar->style), around);
}

/* Most scalars stand in the source as they are: these need no copy. NULL: no memory. */
static struct str text_of(const struct yaml_reader *reader, const yaml_event_t *event,
                          const struct tree *scalar)
{
    struct str text = str_make((const char *)event->data.scalar.value, event->data.scalar.length);
    struct str source = reader->report->source;
    size_t at = scalar->start + (scalar->style == TREE_PLAIN ? 0u : 1u); /* behind a quote */
    bool is_there = at <= source.n && text.n <= source.n - at &&
                    memcmp(source.p + at, text.p, text.n) == 0;
    return is_there ? str_make(source.p + at, text.n) : arena_dup_str(reader->arena, text);
}

static int on_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
    struct tree scalar = tree_at(reader, &event->start_mark);
    check_tag(reader, event->data.scalar.tag, scalar.place);
    scalar.kind = TREE_TEXT;
    scalar.style = (uint8_t)style_of(event->data.scalar.style);
    check_layout(reader, event, &scalar);
    scalar.text = text_of(reader, event, &scalar);
    if (scalar.text.p == NULL) {
        return E_NOMEM;
    }
    if (event->start_mark.index < event->end_mark.index) {
        reader->last_line = scalar.place.line;
    }
    reader->behind = reader->depth == 0 && scalar.style == TREE_BLOCK ? YAML_BEHIND_BLOCK
                                                                      : YAML_BEHIND_VALUE;
    if (scalar.style == TREE_PLAIN && yaml_scalar_resolve(&scalar) != 0) {
        return E_NOMEM;
    }
    int status = 0;
    struct anchor *anchor = NULL;
    if (event->data.scalar.anchor != NULL) {
        status = set_anchor(reader, (const char *)event->data.scalar.anchor, &scalar, &anchor);
    }
    return status != 0 ? status : add_value(reader, &scalar);
}

static int on_alias(struct yaml_reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct tree at = tree_at(reader, &event->start_mark);
    const struct anchor *anchor = strmap_get(&reader->anchors, str_from(name));
    yaml_layout_gap(&reader->layout, event->start_mark.index, surroundings(reader));
    yaml_layout_properties(&reader->layout, event->end_mark.index, surroundings(reader));
    if (anchor == NULL) {
        report_error(reader->report, at.place, "the alias '*%s' names no anchor", name);
        report_hint(reader->report, "put a value that begins with '*' in quotes");
        reader->is_refused = true;
        return add_value(reader, &at); /* null in its place */
    }
    if (!anchor->is_done) {
        report_error(reader->report, at.place, "the alias '*%s' is inside its own anchor", name);
        return E_INVALID;
    }
    reader->aliased += anchor->tree.size;
    if (reader->aliased > TREE_MAX_ALIASED) {
        return refuse(reader, at.place, "aliases expand to more than 100,000 nodes", NULL);
    }
    if (reader->depth + anchor->tree.height > TREE_MAX_DEPTH) {
        return refuse(reader, at.place, "nested deeper than 64 levels", NULL);
    }
    return add_value(reader, &anchor->tree);
}

/*
 * Looks at the source before a list or map, and says what its lines need. The start mark is at its
 * anchor; the end mark of a block is at its first key or '-', or behind that where a list is not
 * indented.
 */
static struct yaml_surroundings enter_layout(struct yaml_reader *reader, const yaml_event_t *event,
                                             bool is_flow)
{
    struct yaml_layout *layout = &reader->layout;
    struct yaml_surroundings around = *surroundings(reader);
    yaml_layout_gap(layout, event->start_mark.index, &around);
    yaml_layout_properties(layout, event->end_mark.index, &around);
    if (is_flow) {
        yaml_layout_gap(layout, event->end_mark.index, &around);
        around.is_flow = true;
        return around;
    }
    bool is_behind = layout->cursor.index < event->end_mark.index;
    around.indent = (uint32_t)event->end_mark.column + (is_behind ? 0 : 1);
    return around;
}

static int open_container(struct yaml_reader *reader, const yaml_event_t *event,
                          enum tree_kind kind)
{
    bool is_list = kind == TREE_LIST;
    struct tree tree = tree_at(reader, &event->start_mark);
    const char *name = (const char *)(is_list ? event->data.sequence_start.anchor
                                              : event->data.mapping_start.anchor);
    bool is_flow = is_list ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                           : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    tree.kind = (uint8_t)kind;
    check_tag(reader, is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag,
              tree.place);
    if (reader->depth == TREE_MAX_DEPTH) {
        return refuse(reader, tree.place, "nested deeper than 64 levels", NULL);
    }
    if (is_at_key(reader)) {
        return check_key(reader, &tree);
    }
    int status = 0;
    struct anchor *anchor = NULL;
    if (name != NULL) {
        status = set_anchor(reader, name, &tree, &anchor);
    }
    reader->open[reader->depth] = (struct open_container){
        .tree = tree,
        .first = reader->pending_count,
        .anchor = anchor,
        .around = enter_layout(reader, event, is_flow),
    };
    reader->depth++;
    return status;
}

static int close_container(struct yaml_reader *reader)
{
    CHECK(reader->depth > 0);
    struct open_container top = reader->open[reader->depth - 1];
    size_t count = reader->pending_count - top.first;
    const struct tree *items = count > 0 ? reader->pending + top.first : NULL;
    int status = top.tree.kind == TREE_LIST
                     ? tree_build_list(&top.tree, items, count, reader->arena)
                     : tree_build_map(&top.tree, items, count / 2, reader->report, reader->arena);
    if (status == E_INVALID) {
        reader->is_doubled = true;
    } else if (status != 0) {
        return status;
    }
    reader->pending_count = top.first;
    reader->depth--;
    if (top.anchor != NULL) {
        top.anchor->tree = top.tree;
        top.anchor->is_done = true;
    }
    return add_value(reader, &top.tree);
}

static int on_document(struct yaml_reader *reader, const yaml_event_t *event)
{
    if (!reader->has_root) {
        return 0;
    }
    struct tree at = tree_at(reader, &event->start_mark);
    return refuse(reader, at.place, "a second document begins here",
                  reader->report->holds == NULL ? "put several pipelines under 'workflows:'"
                                                : "leave one of them out");
}

static int on_event(struct yaml_reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(reader, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return on_alias(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(reader, event, TREE_LIST);
    case YAML_MAPPING_START_EVENT:
        return open_container(reader, event, TREE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        yaml_layout_gap(&reader->layout, event->end_mark.index, surroundings(reader));
        return close_container(reader);
    case YAML_STREAM_END_EVENT:
        yaml_layout_gap(&reader->layout, SIZE_MAX, surroundings(reader));
        reader->is_done = true;
        return 0;
    case YAML_DOCUMENT_END_EVENT:
        if (event->data.document_end.implicit == 0) {
            reader->behind = YAML_BEHIND_END;
        }
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
        return 0;
    }
    return 0;
}

/* The bracket that is still open, the nearest one; NULL when there is none. */
static const struct tree *find_open_bracket(const struct yaml_reader *reader)
{
    for (uint32_t i = reader->depth; i > 0 && reader->open[i - 1].around.is_flow; i--) {
        const struct tree *tree = &reader->open[i - 1].tree;
        char c = reader->report->source.p[tree->start];
        if (c == '[' || c == '{') {
            return tree;
        }
    }
    return NULL;
}

/* Text without its closing quote and a key without its ':' are at fault where they begin. */
static bool is_where_it_began(const yaml_parser_t *parser)
{
    const char *context = parser->context != NULL ? parser->context : "";
    return (strstr(context, "quoted scalar") != NULL &&
            strstr(parser->problem, "end of stream") != NULL) ||
           (strstr(context, "simple key") != NULL &&
            strstr(parser->problem, "could not find expected ':'") != NULL);
}

static int report_parser(struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return E_NOMEM;
    }
    if (reader->layout.fault.is_cause) {
        return yaml_layout_report(&reader->layout);
    }
    struct yaml_failure failure = {
        .problem = parser->problem != NULL ? parser->problem : "error",
        .context = parser->context,
        .behind = reader->behind,
        .open = find_open_bracket(reader),
    };
    if (parser->error == YAML_READER_ERROR) {
        failure.offset = parser->problem_offset;
        failure.place = report_place(reader->report, failure.offset);
    } else {
        struct tree at = tree_at(reader, is_where_it_began(parser) ? &parser->context_mark
                                                                   : &parser->problem_mark);
        failure.offset = at.start;
        failure.place = at.place;
    }
    failure.is_long = parser->problem_mark.index > parser->context_mark.index + LONGEST_KEY;
    failure.is_parted = reader->last_line > 0 && reader->last_line < failure.place.line;
    yaml_error_report(reader->report, &failure);
    return E_INVALID;
}

static int read_events(struct yaml_reader *reader)
{
    while (!reader->is_done) {
        yaml_event_t event;
        if (yaml_parser_parse(&reader->parser, &event) == 0) {
            return report_parser(reader);
        }
        int status = on_event(reader, &event);
        yaml_event_delete(&event);
        if (status != 0) {
            return status;
        }
    }
    if (yaml_layout_report(&reader->layout) != 0 || reader->is_refused) {
        return E_INVALID;
    }
    if (!reader->has_root) {
        report_empty(reader->report, report_place(reader->report, 0),
                     str_trim(reader->report->source).n == 0 ? "the file is empty"
                                                             : "there are only comments");
        return E_INVALID;
    }
    return 0;
}

/* The text ends with a line's end for the parser, as texts of '|' depend on it. */
static int read_source(void *user, unsigned char *buffer, size_t size, size_t *out_size)
{
    struct yaml_reader *reader = user;
    struct str source = reader->report->source;
    size_t n = reader->read < source.n ? source.n - reader->read : 0;
    n = n < size ? n : size;
    if (n > 0) {
        memcpy(buffer, source.p + reader->read, n);
    } else if (reader->read == source.n && source.n > 0 && source.p[source.n - 1] != '\n') {
        buffer[0] = '\n';
        n = 1;
    }
    reader->read += n;
    *out_size = n;
    return 1;
}

int yaml_tree_read(const struct report *report, struct arena *arena, struct tree *out_tree)
{
    cleanup_free struct yaml_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return E_NOMEM;
    }
    reader->report = report;
    reader->arena = arena;
    reader->cursor = cursor_at_start(report->source, report->number);
    reader->layout = (struct yaml_layout){.report = report, .cursor = reader->cursor};
    if (yaml_parser_initialize(&reader->parser) == 0) {
        return E_NOMEM;
    }
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&reader->parser, read_source, reader);
    int status = read_events(reader);
    if (status == 0) {
        *out_tree = reader->root;
        status = reader->is_doubled ? E_INVALID : 0;
    }
    yaml_parser_delete(&reader->parser);
    strmap_finish(&reader->anchors);
    free(reader->pending);
    return status;
}
