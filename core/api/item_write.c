/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/item_write.h"

#include "core/api/json_text.h"
#include "core/engine/queue.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static bool is_one_of(struct str text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_equal_text(text, *words)) {
            return true;
        }
    }
    return false;
}

/* Of an item these follow from the state of its run and that of its node. */
const char *item_write_state(const struct journal_item *item)
{
    static const char *const ended[] = {"failed", "cancelled", NULL};
    static const char *const working[] = {"running", "stopping", NULL};
    if (item->queued_by.n == 0) {
        return "dead";
    }
    return str_equal_text(item->state, "dead")                ? "dead"
           : str_equal_text(item->state, "approval_required") ? "unknown"
           : str_equal_text(item->state, "completed")         ? "done"
           : is_one_of(item->state, ended)                    ? "dropped"
           : item->blocked.n > 0                              ? "blocked"
           : str_equal_text(item->state, "paused")            ? "paused"
           : is_one_of(item->node_state, working)             ? "running"
           : str_equal_text(item->node_state, "retry_wait")   ? "retry_wait"
                                                              : "ready";
}

static void write_error(struct builder *b, struct str body)
{
    struct document *document = json_text_read(b, body);
    const struct value *error = document != NULL ? value_get(document_root(document), STR("error"))
                                                 : NULL;
    builder_key(b, STR("error"));
    json_text_part(b, document, error, 4);
    document_unref(document);
}

void item_write_members(struct builder *b, const struct journal_item *item)
{
    bool is_item = item->queued_by.n > 0;
    struct str run = item->id;
    struct str path = STR("");
    if (is_item) {
        queue_split_id(item->id, &run, &path);
    }
    json_text_member(b, STR("id"), item->id);
    builder_member_string(b, STR("state"), str_from(item_write_state(item)));
    json_text_member(b, STR("workflow"), is_item ? item->queued_by : item->workflow);
    json_text_member_or_null(b, STR("node"), queue_item_node(item->workflow, item->queued_by));
    json_text_member(b, STR("run"), run);
    json_text_member_or_null(b, STR("path"), path);
    if (is_item) {
        builder_member_string(b, STR("priority"), str_from(queue_priority_name(item->priority)));
    }
    builder_member_int(b, STR("attempts"), item->attempt);
    json_text_time(b, STR("next_at"), item->wake_at == INT64_MAX ? 0 : item->wake_at);
    json_text_time(b, is_item ? STR("queued_at") : STR("created_at"), item->created_at);
    json_text_time(b, STR("tried_at"), item->tried_at);
    json_text_member_or_null(b, STR("reason"), item->blocked);
    write_error(b, item->body);
}
