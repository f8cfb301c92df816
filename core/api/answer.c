/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/answer.h"

#include <stdio.h>

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct mapping {
    int code;
    enum answer_status status;
    const char *word;
};

static const struct mapping mappings[] = {
    {E_NOMEM, ANSWER_UNAVAILABLE, "no_memory"},  {E_IO, ANSWER_SERVER_ERROR, "state"},
    {E_INVALID, ANSWER_BAD_REQUEST, "invalid"},  {E_NOT_FOUND, ANSWER_NOT_FOUND, "not_found"},
    {E_EXISTS, ANSWER_CONFLICT, "exists"},       {E_CONFLICT, ANSWER_CONFLICT, "conflict"},
    {E_LIMIT, ANSWER_UNPROCESSABLE, "limit"},    {E_CORRUPT, ANSWER_SERVER_ERROR, "corrupt"},
    {E_VERSION, ANSWER_SERVER_ERROR, "version"}, {E_CANCELED, ANSWER_UNAVAILABLE, "stopped"},
    {E_TIMEOUT, ANSWER_TIMEOUT, "timeout"},      {E_PLUGIN, ANSWER_SERVER_ERROR, "plugin"},
};

static const struct mapping unknown = {0, ANSWER_SERVER_ERROR, "internal"};

static const struct mapping *mapping_of(int code)
{
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++) {
        if (mappings[i].code == code) {
            return &mappings[i];
        }
    }
    return &unknown;
}

void answer_finish(struct answer *answer)
{
    strbuf_finish(&answer->body);
    *answer = ANSWER_INIT;
}

int answer_document(struct answer *answer, enum answer_status status,
                    const struct document *document, struct error *err)
{
    strbuf_clear(&answer->body);
    json_write(document_root(document), JSON_COMPACT, &answer->body);
    strbuf_append_char(&answer->body, '\n');
    if (strbuf_status(&answer->body) != 0) {
        answer_finish(answer);
        return error_nomem(err);
    }
    answer->status = (int)status;
    answer->content_type = ANSWER_TYPE_JSON;
    return 0;
}

int answer_problem(struct answer *answer, const struct answer_problem *problem, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("error"));
    builder_map_begin(b);
    builder_member_string(b, STR("code"), str_from(problem->code));
    json_text_member(b, STR("message"), problem->message);
    if (problem->hint != NULL) {
        json_text_member(b, STR("hint"), str_from(problem->hint));
    }
    if (problem->retry_after_s > 0) {
        builder_member_int(b, STR("retry_after"), problem->retry_after_s);
    }
    if (problem->candidates != NULL) {
        builder_key(b, STR("candidates"));
        builder_embed(b, problem->candidates, document_root(problem->candidates));
    }
    builder_map_end(b);
    builder_map_end(b);
    cleanup_document struct document *document = NULL;
    int status = builder_finish(b, &document, err);
    status = status != 0 ? status : answer_document(answer, problem->status, document, err);
    answer->retry_after_s = status == 0 ? problem->retry_after_s : 0;
    return status;
}

int answer_busy(struct answer *answer, struct str message, uint32_t retry_after_s,
                struct error *err)
{
    const struct answer_problem problem = {
        .status = ANSWER_TOO_MANY,
        .code = "busy",
        .message = message,
        .hint = "nothing was begun: ask again later",
        .retry_after_s = retry_after_s,
    };
    return answer_problem(answer, &problem, err);
}

int answer_failure(struct answer *answer, const struct error *failure, struct error *err)
{
    const struct mapping *mapping = mapping_of(failure->code);
    struct str message = str_from(failure->message);
    return answer_problem(
        answer,
        &(struct answer_problem){
            .status = mapping->status,
            .code = mapping->word,
            .message = message.n > 0 ? message : str_from(error_code_text(failure->code)),
        },
        err);
}

struct api_answer answer_to_api(const struct answer *answer, struct answer_headers *headers)
{
    struct api_header *header = &headers->header;
    *header = (struct api_header){.name = "Allow", .value = str_from(answer->allow)};
    if (answer->retry_after_s > 0) {
        (void)snprintf(headers->text, sizeof(headers->text), "%u", answer->retry_after_s);
        *header = (struct api_header){.name = "Retry-After", .value = str_from(headers->text)};
    }
    return (struct api_answer){
        .status = answer->status,
        .content_type = answer->content_type,
        .body = strbuf_str(&answer->body),
        .headers = header,
        .header_count = answer->allow != NULL || answer->retry_after_s > 0,
    };
}

enum answer_status answer_status_of(int code)
{
    return mapping_of(code)->status;
}
