/* SPDX-License-Identifier: Apache-2.0 */
/* GET /health: whether the engine can do its work; GET /ping: whether anybody answers. */
#include "core/api/json_text.h"
#include "core/api/numbers.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* Members instance, epoch, schema; null without a state. */
static int add_meta(struct builder *b, struct journal_reader *reader, struct error *err)
{
    struct str instance = STR("");
    uint64_t epoch = 0;
    uint32_t schema = 0;
    if (reader != NULL) {
        int status = journal_reader_meta(reader, &instance, &epoch, &schema, err);
        if (status != 0) {
            return status;
        }
    }
    json_text_member_or_null(b, STR("instance"), instance);
    builder_member_int(b, STR("epoch"), (int64_t)epoch);
    builder_member_int(b, STR("schema"), schema);
    return 0;
}

struct str route_trouble(const struct route_call *call)
{
    const struct api_numbers *numbers = call->request->numbers;
    return str_from(numbers != NULL ? numbers->trouble : NULL);
}

int route_health(const struct route_call *call, struct answer *answer, struct error *err)
{
    const struct api_numbers *numbers = call->request->numbers;
    struct str trouble = route_trouble(call);
    cleanup_document struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("status"), trouble.n == 0 ? STR("ok") : STR("unavailable"));
    json_text_member_or_null(b, STR("reason"), trouble);
    builder_member_bool(b, STR("at_work"), numbers != NULL);
    int status = add_meta(b, call->request->reader, err);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    if (numbers != NULL) {
        api_numbers_append(numbers, call->request->now_unix_ms, b);
    }
    builder_map_end(b);
    status = builder_finish(b, &document, err);
    if (status != 0) {
        return status;
    }
    return answer_document(answer, trouble.n == 0 ? ANSWER_OK : ANSWER_UNAVAILABLE, document, err);
}

int route_ping(const struct route_call *call, struct answer *answer, struct error *err)
{
    (void)call; /* it looks at nothing: that is the point */
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("message"), STR("pong"));
    builder_map_end(b);
    return route_finish(b, answer, err);
}
