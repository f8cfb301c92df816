/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/breaker_row.h"

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct listing {
    breaker_row_cb each;
    void *user;
};

static int64_t int_at(const struct value *map, struct str key)
{
    const struct value *value = value_get(map, key);
    return value_is(value, VALUE_INT) && value_int(value) > 0 ? value_int(value) : 0;
}

static bool read_state(const struct value *map, enum breaker_state *out_state)
{
    const struct value *value = value_get(map, STR("state"));
    for (int i = 0; value_is(value, VALUE_STRING) && i < BREAKER_ROW_STATES; i++) {
        *out_state = (enum breaker_state)i;
        if (str_equal_text(value_str(value), breaker_state_name(*out_state))) {
            return true;
        }
    }
    return false;
}

static int read_row(void *user, const struct journal_scope_row *kept)
{
    const struct listing *listing = user;
    cleanup_document struct document *document = NULL;
    struct breaker_row row = {.scope = kept->key};
    int status = json_read(kept->state, NULL, &document, NULL);
    if (status == E_NOMEM) {
        return status;
    }
    const struct value *map = status == 0 ? document_root(document) : NULL;
    row.is_known = read_state(map, &row.state);
    if (row.is_known) {
        row.since = int_at(map, STR("changed_at"));
        row.due_at = int_at(map, STR("due_at"));
        row.openings = int_at(map, STR("openings"));
    }
    return listing->each(listing->user, &row);
}

int breaker_row_each(struct journal_reader *reader, breaker_row_cb each, void *user,
                     struct error *err)
{
    struct listing listing = {.each = each, .user = user};
    return journal_reader_scopes(reader, STR("breaker"), read_row, &listing, err);
}
