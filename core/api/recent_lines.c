/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/recent_lines.h"

static void drop_first(struct recent_lines *recent)
{
    struct recent_line *line = &recent->lines[recent->first];
    recent->bytes -= line->event.n;
    strbuf_finish(&line->event);
    recent->first = (recent->first + 1) % RECENT_LINES_MOST;
    recent->count--;
}

void recent_lines_finish(struct recent_lines *recent)
{
    while (recent->count > 0) {
        drop_first(recent);
    }
}

void recent_lines_add(struct recent_lines *recent, uint64_t run, int64_t at, struct str event)
{
    while (recent->count > 0 && at - recent->lines[recent->first].at > RECENT_LINES_MS) {
        drop_first(recent);
    }
    if (event.n > RECENT_LINES_MOST_BYTES) {
        return;
    }
    while (recent->count == RECENT_LINES_MOST ||
           recent->bytes + event.n > RECENT_LINES_MOST_BYTES) {
        drop_first(recent);
    }
    struct recent_line line = {.run = run, .at = at, .event = STRBUF_INIT};
    strbuf_append_str(&line.event, event);
    if (strbuf_status(&line.event) != 0) {
        strbuf_finish(&line.event);
        return;
    }
    recent->lines[(recent->first + recent->count) % RECENT_LINES_MOST] = line;
    recent->count++;
    recent->bytes += line.event.n;
}

const struct recent_line *recent_lines_at(const struct recent_lines *recent, size_t i)
{
    return i < recent->count ? &recent->lines[(recent->first + i) % RECENT_LINES_MOST] : NULL;
}
