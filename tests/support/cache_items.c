/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cache_items.h"

#include "core/engine/record.h"
#include "core/value/builder.h"
#include "core/value/value.h"

void cache_items_begin(struct cache_items *items, const struct cache_entry *entry)
{
    *items = (struct cache_items){.entry = entry, .list = builder_create()};
    builder_map_begin(items->list);
    builder_key(items->list, STR("items"));
    builder_list_begin(items->list);
}

void cache_items_see(struct cache_items *items, const struct record *record)
{
    const struct value *seqs = document_root(items->entry->items);
    bool is_wanted = record->run_number == items->entry->run_number && record->seq > 0 &&
                     items->next < value_count(seqs) &&
                     value_int(value_at(seqs, items->next)) == (int64_t)record->seq;
    if (is_wanted && record->output != NULL) {
        builder_embed(items->list, record->output, document_root(record->output));
        items->next++;
    }
}

struct document *cache_items_end(struct cache_items *items)
{
    const struct document *output = items->entry->output;
    bool is_whole = items->next == value_count(document_root(items->entry->items));
    struct document *whole = NULL;
    builder_list_end(items->list);
    builder_key(items->list, STR("output"));
    builder_embed(items->list, output, document_root(output));
    builder_map_end(items->list);
    if (builder_finish(items->list, &whole, NULL) != 0 || !is_whole) {
        document_unref(whole);
        return NULL;
    }
    return whole;
}

struct document *cache_items_of(const struct cache_entry *entry, const struct record *records,
                                size_t count)
{
    struct cache_items items;
    if (entry->items == NULL) {
        return document_ref(entry->output);
    }
    cache_items_begin(&items, entry);
    for (size_t i = 0; i < count; i++) {
        cache_items_see(&items, &records[i]);
    }
    return cache_items_end(&items);
}
