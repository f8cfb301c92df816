/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/breaker_event.h"

#include <string.h>

#include "core/api/event_stream.h"
#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/value/json.h"
#include "core/value/value.h"

bool breaker_event_is(const struct scope_change *change)
{
    return change->state != NULL && strcmp(change->kind, ENGINE_SCOPE_BREAKER) == 0;
}

static void append_due(const struct value *due, struct strbuf *out)
{
    char text[CLOCK_TEXT_SIZE];
    if (value_is(due, VALUE_INT) && value_int(due) > 0) {
        clock_format_rfc3339(value_int(due), text);
        json_write_string(str_from(text), out);
    } else {
        strbuf_append_text(out, "null");
    }
}

void breaker_event_append(const struct scope_change *change, struct strbuf *out)
{
    const struct value *map = document_root(change->state);
    const struct value *state = value_get(map, STR("state"));
    struct strbuf data = STRBUF_INIT;
    strbuf_append_format(&data, "{\"at\":%lld,\"scope\":", (long long)change->at_unix_ms);
    json_write_string(change->key, &data);
    strbuf_append_text(&data, ",\"state\":");
    json_write_string(value_is(state, VALUE_STRING) ? value_str(state) : STR(""), &data);
    strbuf_append_text(&data, ",\"due_at\":");
    append_due(value_get(map, STR("due_at")), &data);
    strbuf_append_char(&data, '}');
    const struct event event = {.name = STR("breaker"), .data = strbuf_str(&data)};
    event_stream_append(out, &event);
    out->failed = out->failed || strbuf_status(&data) != 0;
    strbuf_finish(&data);
}
