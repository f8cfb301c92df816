/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/stand_in_items.h"

#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/run_state.h"
#include "core/engine/streams.h"
#include "core/value/builder.h"
#include "core/value/value.h"

#define STREAM STR("stream")
#define OUTPUT STR("output")
#define ITEMS  STR("items")

_Static_assert(STREAM_COPY_ITEMS == 10000 && STREAM_COPY_BYTES == 4 * 1024 * 1024,
               "the texts below say so");

void stand_in_parts_finish(struct stand_in_parts *parts)
{
    document_unref(parts->output);
    document_unref(parts->items);
    *parts = (struct stand_in_parts){0};
}

/* ---- what an answer consists of ---- */

/* A document of its own: the other part of the answer is not held with it. */
static int copy_value(const struct value *value, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_copy(b, value);
    return builder_finish(b, out, err);
}

static int copy_without_stream(const struct value *map, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        if (!str_equal(value_str(&member->key), STREAM)) {
            builder_key(b, value_str(&member->key));
            builder_copy(b, &member->value);
        }
    }
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static int check_count(const struct value *items, struct error *err)
{
    if (value_count(items) <= STREAM_COPY_ITEMS) {
        return 0;
    }
    return error_set(err, E_LIMIT, "it has %zu items for the loops, more than %d",
                     value_count(items), STREAM_COPY_ITEMS);
}

int stand_in_items_split(const struct document *answer, struct stand_in_parts *out,
                         struct error *err)
{
    const struct value *root = document_root(answer);
    const struct value *items = value_is(root, VALUE_MAP) ? value_get(root, STREAM) : root;
    struct stand_in_parts parts = {0};
    if (items == NULL || !value_is(items, VALUE_LIST)) {
        return error_set(err, E_INVALID,
                         "it has no items for the loops: it is no list, and no map with a list "
                         "'stream'");
    }
    int status = check_count(items, err);
    if (status == 0) {
        status = copy_value(items, &parts.items, err);
    }
    if (status == 0) {
        status = items == root ? copy_value(root, &parts.output, err)
                               : copy_without_stream(root, &parts.output, err);
    }
    if (status != 0) {
        stand_in_parts_finish(&parts);
        return status;
    }
    *out = parts;
    return 0;
}

int stand_in_items_unwrap(const struct document *kept, struct stand_in_parts *out,
                          struct error *err)
{
    const struct value *root = document_root(kept);
    const struct value *output = value_is(root, VALUE_MAP) ? value_get(root, OUTPUT) : NULL;
    const struct value *items = value_is(root, VALUE_MAP) ? value_get(root, ITEMS) : NULL;
    struct stand_in_parts parts = {0};
    if (output == NULL || items == NULL || !value_is(items, VALUE_LIST)) {
        return error_set(err, E_INVALID, "what was kept has no output and items");
    }
    int status = copy_value(output, &parts.output, err);
    if (status == 0) {
        status = copy_value(items, &parts.items, err);
    }
    if (status != 0) {
        stand_in_parts_finish(&parts);
        return status;
    }
    *out = parts;
    return 0;
}

/* ---- what a call has emitted ---- */

/* NULL: all of it is there. */
static const char *why_not_all(const struct run_node *state)
{
    const struct stream *stream = state->stream;
    switch (stream != NULL ? (enum stream_copy_bound)stream->copy.bound : STREAM_COPY_WHOLE) {
    case STREAM_COPY_TOO_MANY:
        return "more than 10000 items";
    case STREAM_COPY_TOO_LARGE:
        return "more than 4 MiB of items";
    case STREAM_COPY_WHOLE:
        break;
    }
    return stream == NULL || !streams_has_all(state) ? "not all items were taken by its loops"
                                                     : NULL;
}

static void say_not_kept(const struct decision *d, uint32_t node, const char *why)
{
    struct document *line = NULL;
    struct strbuf text = STRBUF_INIT;
    struct builder *b = builder_create();
    strbuf_append_format(&text, "this result is not kept for later: %s", why);
    builder_string(b, strbuf_str(&text));
    int status = strbuf_status(&text);
    if (builder_finish(b, &line, NULL) != 0 || status != 0) {
        d->batch->has_failed = true;
    } else {
        decision_add_effect(d, (struct effect){.type = EFFECT_LOG,
                                               .node = node,
                                               .attempt = decision_state(d, node)->attempt,
                                               .config = line});
    }
    document_unref(line);
    strbuf_finish(&text);
}

static size_t json_bytes(const struct decision *d, const struct document *document)
{
    struct strbuf text = STRBUF_INIT;
    value_write_canonical(document_root(document), &text);
    size_t bytes = text.n;
    d->batch->has_failed |= strbuf_status(&text) != 0;
    strbuf_finish(&text);
    return bytes;
}

int stand_in_items_keep(const struct decision *d, uint32_t node, struct cache_entry *entry)
{
    const struct run_node *state = decision_state(d, node);
    const char *why = why_not_all(state);
    if (why == NULL &&
        json_bytes(d, entry->output) > STREAM_COPY_BYTES - state->stream->copy.bytes) {
        why = "its items and its output take more than 4 MiB";
    }
    if (why != NULL) {
        say_not_kept(d, node, why);
        return 0;
    }
    struct document *items = NULL;
    int status = stream_copy_list_seqs(&state->stream->copy, &items);
    if (status == 0) {
        entry->run_number = d->run->number;
        entry->items = items;
        entry->items_bytes = state->stream->copy.bytes;
    }
    return status;
}

int stand_in_items_lend(const struct decision *d, uint32_t node, struct document **out_items,
                        struct error *err)
{
    const struct run_node *state = decision_state(d, node);
    if (state->stream == NULL) { /* it was passed over, or taken from an earlier run */
        *out_items = document_empty_list();
        return 0;
    }
    if (state->stream->copy.bound != STREAM_COPY_WHOLE) {
        return error_set(err, E_LIMIT, "it has %s", why_not_all(state));
    }
    return stream_copy_read(strbuf_str(&state->stream->copy.items), out_items, err);
}

/* ---- what goes on with a stream ---- */

int stand_in_items_check(const struct decision *d, uint32_t node, const struct value *items,
                         struct error *err)
{
    const struct stream *stream = decision_state(d, node)->stream;
    bool begins_alike = true;
    if (stream == NULL || stream->copy.count == 0) {
        return 0;
    }
    int status = stream_copy_begins(&stream->copy, items, &begins_alike);
    if (status != 0) {
        return error_nomem(err);
    }
    if (begins_alike) {
        return 0;
    }
    return error_set(err, E_CONFLICT,
                     "%llu item%s had gone to its loops before, and it does not begin with %s",
                     (unsigned long long)stream->copy.count, stream->copy.count == 1 ? "" : "s",
                     stream->copy.count == 1 ? "that" : "those");
}

void stand_in_items_emit(const struct decision *d, uint32_t node, const struct value *items,
                         unsigned from)
{
    const struct run_node *state = decision_state(d, node);
    struct record record = decision_node_record(d, RECORD_ITEM, node);
    uint64_t first = state->stream != NULL ? state->stream->copy.count : 0;
    record.from = from;
    for (uint64_t i = first; streams_is_wanted(state) && i < value_count(items); i++) {
        struct document *item = NULL;
        if (copy_value(value_at(items, (size_t)i), &item, NULL) != 0) {
            d->batch->has_failed = true;
            return;
        }
        record.index = i;
        record.output = item;
        batch_add_record(d->batch, &record);
        document_unref(item);
    }
}
