/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/exchange.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/api/api_module.h"
#include "core/base/check.h"
#include "core/base/escape.h"

void api_respond(struct api_exchange *exchange, const struct api_answer *answer)
{
    CHECK(answer->status >= 200 && answer->status <= 599);
    exchange->calls->respond(exchange, answer);
}

void api_respond_error(struct api_exchange *exchange, int status, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments); /* cut: long enough to tell */
    va_end(arguments);

    struct strbuf body = STRBUF_INIT;
    strbuf_append_format(&body,
                         "{\"error\":{\"code\":\"%s\",\"message\":", api_status_code(status));
    escape_append_json(&body, str_from(message));
    strbuf_append_text(&body, "}}");
    const struct api_header later = {.name = "Retry-After", .value = STR("1")};
    api_respond(exchange, &(struct api_answer){
                              .status = status,
                              .content_type = "application/json",
                              .body = strbuf_str(&body), /* cut when out of memory */
                              .headers = &later,
                              .header_count = status == 429 || status == 503,
                          });
    strbuf_finish(&body);
}

const char *api_status_code(int status)
{
    switch (status) {
    case 400:
        return "invalid";
    case 401:
        return "unauthorized";
    case 403:
        return "forbidden";
    case 404:
        return "not_found";
    case 405:
        return "method_not_allowed";
    case 408:
        return "timeout";
    case 409:
        return "conflict";
    case 410:
        return "gone";
    case 413:
    case 431:
        return "too_large";
    case 415:
        return "unsupported_media_type";
    case 417:
        return "expectation_failed";
    case 422:
        return "unprocessable";
    case 429:
        return "too_many_requests";
    case 501:
        return "not_implemented";
    case 503:
        return "unavailable";
    case 505:
        return "version";
    case 507:
        return "storage";
    default:
        return status < 500 ? "error" : "internal";
    }
}

void api_stream_begin(struct api_exchange *exchange, const struct api_answer *answer)
{
    CHECK(answer->status >= 200 && answer->status <= 599);
    exchange->calls->stream_begin(exchange, answer);
}

void api_stream_write(struct api_exchange *exchange, struct str bytes)
{
    exchange->calls->stream_write(exchange, bytes);
}

size_t api_stream_unsent(const struct api_exchange *exchange)
{
    return exchange->calls->stream_unsent(exchange);
}

void api_stream_end(struct api_exchange *exchange)
{
    exchange->calls->stream_end(exchange);
}

void api_exchange_set_data(struct api_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *api_exchange_data(const struct api_exchange *exchange)
{
    return exchange->data;
}
