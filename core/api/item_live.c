/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/item_live.h"

#include "core/api/item_cursor.h"
#include "core/api/item_filter.h"
#include "core/api/query.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"

struct listing {
    struct loop *loop;
    struct strbuf *out;
    size_t count;
};

static int append_item(void *user, const struct journal_item *item)
{
    struct listing *listing = user;
    strbuf_append_format(listing->out, "%s\"%llu\":", listing->count++ > 0 ? "," : "",
                         (unsigned long long)item->number);
    loop_append_waits(listing->loop, item->number, listing->out);
    return 0;
}

void item_live_append(struct loop *loop, const struct query *query, int64_t now_unix_ms,
                      struct strbuf *out)
{
    struct journal_item_filter filter = {0};
    struct journal_reader *reader = loop_reader(loop);
    struct listing listing = {.loop = loop, .out = out};
    bool is_well = reader != NULL && item_filter_read(query, now_unix_ms, &filter, NULL) == 0 &&
                   item_cursor_read(query_get(query, "cursor"), &filter.after, NULL) == 0;
    if (!is_well) {
        return;
    }
    filter.limit = ITEM_LIVE_MOST;
    strbuf_append_char(out, '{');
    if (journal_reader_items(reader, &filter, append_item, &listing, NULL) != 0) {
        strbuf_clear(out); /* the list says why it cannot be read */
        return;
    }
    strbuf_append_char(out, '}');
}
