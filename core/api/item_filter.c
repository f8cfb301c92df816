/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/item_filter.h"

#include "core/api/query.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/value.h"

int item_filter_priority(struct str word, bool *out_has, enum queue_priority *out_priority,
                         struct error *err)
{
    if (word.n == 0) {
        return 0;
    }
    if (!queue_priority_find(word, out_priority)) {
        return error_set(err, E_INVALID, "'priority' has to be high, normal or low, not '%.*s'",
                         STR_ARG(word));
    }
    *out_has = true;
    return 0;
}

int item_filter_read(const struct query *query, int64_t now_unix_ms,
                     struct journal_item_filter *out_filter, struct error *err)
{
    out_filter->workflow = query_get(query, "workflow");
    out_filter->node = query_get(query, "node");
    out_filter->code = query_get(query, "code");
    int status = item_filter_priority(query_get(query, "priority"), &out_filter->has_priority,
                                      &out_filter->priority, err);
    if (status == 0) {
        status = query_time(query, "older", now_unix_ms, &out_filter->tried_before, err);
    }
    return status != 0 ? status
                       : query_time(query, "newer", now_unix_ms, &out_filter->tried_after, err);
}

int item_filter_of_body(const struct value *map, int64_t now_unix_ms,
                        struct journal_item_filter *out_filter, struct error *err)
{
    static const char *const names[] = {"workflow", "node", "code", "older", "newer", "priority"};
    struct api_parameter params[sizeof(names) / sizeof(names[0])];
    struct query query = {.params = params};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct value *value = value_get(map, str_from(names[i]));
        if (value_is(value, VALUE_STRING)) {
            params[query.count++] =
                (struct api_parameter){.name = str_from(names[i]), .value = value_str(value)};
        }
    }
    return item_filter_read(&query, now_unix_ms, out_filter, err);
}
