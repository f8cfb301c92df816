/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/numbers.h"

#include "core/api/json_text.h"
#include "core/value/builder.h"

void api_numbers_append(const struct api_numbers *numbers, int64_t now_unix_ms, struct builder *b)
{
    json_text_member_or_null(b, STR("version"), str_from(numbers->version));
    json_text_time(b, STR("started_at"), numbers->started_at_unix_ms);
    json_text_seconds(b, STR("uptime_seconds"), numbers->started_at_unix_ms, now_unix_ms);
    builder_member_int(b, STR("runs_in_memory"), (int64_t)numbers->runs_in_memory);
    builder_member_int(b, STR("runs_parked"), (int64_t)numbers->runs_parked);
    builder_member_int(b, STR("nodes_running"), (int64_t)numbers->nodes_running);
    builder_member_int(b, STR("queue_depth"), (int64_t)numbers->queue_depth);
    builder_member_int(b, STR("writes_waiting"), (int64_t)numbers->writes_waiting);
}
