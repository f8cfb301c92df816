/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control_problem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/api/exchange.h"
#include "core/value/value.h"

static int nobody_listens(const char *socket_path, const char *reached_path, struct error *err)
{
    if (access(reached_path, R_OK | W_OK) != 0 && errno == EACCES) {
        return error_set(err, E_INVALID,
                         "the control socket '%s' is another user's: ask as that user, or as root",
                         socket_path);
    }
    return error_set(err, E_NOT_FOUND, "nobody listens at '%s': no opstream runs there",
                     socket_path);
}

int control_problem_of_failure(const struct net_failure *failure, const char *socket_path,
                               const char *reached_path, struct error *err)
{
    switch (failure->failure_class) {
    case NET_FAILED_REFUSED:
        return nobody_listens(socket_path, reached_path, err);
    case NET_FAILED_CANCELED:
        return error_set(err, E_CANCELED, "the request was given up");
    case NET_FAILED_TIMEOUT:
    case NET_FAILED_CONNECT_TIMEOUT:
        return error_set(err, E_TIMEOUT, "the opstream at '%s' did not answer in time",
                         socket_path);
    case NET_FAILED_RESET:
        return error_set(err, E_IO, "the opstream at '%s' ended without an answer", socket_path);
    case NET_FAILED_TOO_LARGE:
        return error_set(err, E_LIMIT, "the answer of the opstream at '%s' is too large",
                         socket_path);
    case NET_FAILED_REQUEST:
    case NET_FAILED_URL:
    case NET_FAILED_FORBIDDEN:
    case NET_FAILED_BARRED:
    case NET_FAILED_DNS:
    case NET_FAILED_TLS:
    case NET_FAILED_REDIRECT:
    case NET_FAILED_PROTOCOL:
    case NET_FAILED_REPLY:
    case NET_FAILED_PROXY:
    case NET_FAILED_INTERNAL:
        break;
    }
    return error_set(err, failure->code, "control socket '%s': %.*s", socket_path,
                     STR_ARG(failure->message));
}

/* The header's number; 0: there is none. */
static long api_version(const struct net_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        const struct net_header *header = &response->headers[i];
        if (str_equal_caseless(header->name, STR(API_VERSION_HEADER))) {
            char digits[16] = {0};
            memcpy(digits, header->value.p, header->value.n < 15 ? header->value.n : 15);
            return strtol(digits, NULL, 10);
        }
    }
    return 0;
}

static int code_of_status(int status)
{
    switch (status) {
    case 404:
    case 410:
        return E_NOT_FOUND;
    case 409:
        return E_CONFLICT;
    case 408:
    case 504:
        return E_TIMEOUT;
    case 413:
    case 429:
    case 431:
        return E_LIMIT;
    default:
        return status < 500 ? E_INVALID : E_IO;
    }
}

/* A text of {"error": {...}}; empty when it is not there. */
static struct str error_text(const struct value *body, struct str name)
{
    const struct value *error = value_is(body, VALUE_MAP) ? value_get(body, STR("error")) : NULL;
    const struct value *text = value_is(error, VALUE_MAP) ? value_get(error, name) : NULL;
    return value_is(text, VALUE_STRING) ? value_str(text) : STR("");
}

int control_problem_of_response(const struct net_response *response, const struct value *body,
                                const char *socket_path, struct error *err)
{
    long version = api_version(response);
    long own_version = strtol(API_VERSION, NULL, 10);
    if (version != own_version) {
        return error_set(err, E_VERSION,
                         "the opstream at '%s' is %s than this one: end it and start it anew",
                         socket_path, version < own_version ? "older" : "newer");
    }
    if (response->status < 400) {
        return 0;
    }

    bool is_ending = str_equal_text(error_text(body, STR("code")), "stopped");
    int code = is_ending ? E_NOT_FOUND : code_of_status(response->status);
    struct str message = error_text(body, STR("message"));
    struct str hint = error_text(body, STR("hint"));
    if (message.n == 0) {
        return error_set(err, code, "the opstream at '%s' answered with the status %d", socket_path,
                         response->status);
    }
    return error_set(err, code, "%.*s%s%.*s", STR_ARG(message), hint.n > 0 ? ": " : "",
                     STR_ARG(hint));
}
