/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/limits: rate limits and permits, who waits for them, and what is frozen until when.
 */
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static int64_t int_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_INT) ? value_int(value) : 0;
}

static struct str text_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

static void add_counts(struct builder *b, const struct value *item)
{
    static const char *const keys[] = {"waiting", "allowed", "delayed"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        builder_member_int(b, str_from(keys[i]), int_of(item, keys[i]));
    }
}

/* What a service that has no rate does not have. */
static void add_of_rate(struct builder *b, const struct value *item, const char *key)
{
    if (int_of(item, "limit") > 0) {
        builder_member_int(b, str_from(key), int_of(item, key));
    } else {
        builder_key(b, str_from(key));
        builder_null(b);
    }
}

static void add_rate(struct builder *b, const struct value *item)
{
    builder_map_begin(b);
    json_text_member(b, STR("scope"), text_of(item, "scope"));
    add_of_rate(b, item, "limit");
    add_of_rate(b, item, "period_ms");
    add_of_rate(b, item, "burst");
    add_of_rate(b, item, "left");
    json_text_time(b, STR("next_at"), int_of(item, "next_at"));
    json_text_time(b, STR("frozen_until"), int_of(item, "frozen_until"));
    add_counts(b, item);
    builder_map_end(b);
}

static void add_permits(struct builder *b, const struct value *item)
{
    builder_map_begin(b);
    json_text_member(b, STR("scope"), text_of(item, "scope"));
    builder_member_int(b, STR("limit"), int_of(item, "limit"));
    builder_member_int(b, STR("in_use"), int_of(item, "in_use"));
    add_counts(b, item);
    builder_map_end(b);
}

/* ---- without an engine: what is frozen is kept ---- */

struct kept {
    struct builder *b;
    int64_t now;
    int64_t count;
};

static int add_kept(void *user, const struct journal_scope_row *row)
{
    struct kept *kept = user;
    cleanup_document struct document *state = NULL;
    int status = json_read(row->state, NULL, &state, NULL);
    if (status == E_NOMEM) {
        return status;
    }
    int64_t until = status == 0 ? int_of(document_root(state), "frozen_until") : 0;
    if (until <= kept->now || kept->count++ >= ROUTE_PAGE) {
        return 0;
    }
    builder_map_begin(kept->b);
    json_text_member(kept->b, STR("scope"), row->key);
    json_text_time(kept->b, STR("frozen_until"), until);
    builder_map_end(kept->b);
    return 0;
}

static int add_all_kept(struct builder *b, const struct route_request *request, struct error *err)
{
    struct kept kept = {.b = b, .now = request->now_unix_ms};
    builder_key(b, STR("rate_limits"));
    builder_list_begin(b);
    int status = request->reader != NULL
                     ? journal_reader_scopes(request->reader, STR(ENGINE_SCOPE_LIMITER), add_kept,
                                             &kept, err)
                     : 0;
    builder_list_end(b);
    builder_member_int(b, STR("rate_limits_left_out"),
                       kept.count > ROUTE_PAGE ? kept.count - ROUTE_PAGE : 0);
    builder_key(b, STR("limits"));
    builder_list_begin(b);
    builder_list_end(b);
    builder_member_int(b, STR("limits_left_out"), 0);
    return status;
}

/* ---- with one ---- */

static void add_list(struct builder *b, const struct value *live, const char *key,
                     void (*add)(struct builder *b, const struct value *item))
{
    const struct value *list = value_get(live, str_from(key));
    builder_key(b, str_from(key));
    builder_list_begin(b);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < value_count(list); i++) {
        add(b, value_at(list, i));
    }
    builder_list_end(b);
}

static void add_live(struct builder *b, const struct value *live)
{
    add_list(b, live, "rate_limits", add_rate);
    builder_member_int(b, STR("rate_limits_left_out"),
                       int_of(value_get(live, STR("rate_limits_left_out")), "scopes"));
    add_list(b, live, "limits", add_permits);
    builder_member_int(b, STR("limits_left_out"),
                       int_of(value_get(live, STR("limits_left_out")), "scopes"));
}

int route_limits(const struct route_call *call, struct answer *answer, struct error *err)
{
    struct builder *b = builder_create();
    cleanup_document struct document *live = json_text_read(b, call->request->live);
    int status = 0;
    builder_map_begin(b);
    builder_member_bool(b, STR("at_work"), live != NULL);
    if (live != NULL) {
        add_live(b, document_root(live));
    } else {
        status = add_all_kept(b, call->request, err);
    }
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    builder_map_end(b);
    return route_finish(b, answer, err);
}
