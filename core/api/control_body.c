/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control_body.h"

#include "core/base/error.h"
#include "core/value/value.h"

enum kind {
    KIND_TEXT, /* which is not empty */
    KIND_MAP,
    KIND_TEXTS, /* a map of texts */
    KIND_LIST,
    KIND_TRUE,
    KIND_ANY,
};

struct member {
    const char *name; /* NULL behind the last */
    enum kind kind;
};

static const struct member start_members[] = {
    {"definition", KIND_TEXT}, {"bundle", KIND_TEXT}, {"workflow", KIND_TEXT}, {"input", KIND_MAP},
    {"key", KIND_TEXT},        {"env", KIND_TEXTS},   {"events", KIND_LIST},   {NULL, KIND_ANY},
};

static const struct member execute_members[] = {
    {"input", KIND_MAP},   {"key", KIND_TEXT}, {"env", KIND_TEXTS},
    {"events", KIND_LIST}, {NULL, KIND_ANY},
};

static const struct member event_members[] = {
    {"name", KIND_TEXT}, {"data", KIND_ANY}, {NULL, KIND_ANY}};

static const struct member resolve_members[] = {
    {"node", KIND_TEXT},  {"again", KIND_TRUE}, {"error", KIND_MAP},
    {"output", KIND_ANY}, {NULL, KIND_ANY},
};

static const struct member retry_members[] = {{"from", KIND_TEXT},
                                              {"input", KIND_MAP},
                                              {"env", KIND_TEXTS},
                                              {"force", KIND_TRUE},
                                              {NULL, KIND_ANY}};

static const struct member resume_members[] = {{"env", KIND_TEXTS}, {NULL, KIND_ANY}};

static const struct member breaker_members[] = {
    {"scope", KIND_TEXT}, {"order", KIND_TEXT}, {NULL, KIND_ANY}};

static const struct member requeue_members[] = {
    {"input", KIND_MAP}, {"priority", KIND_TEXT}, {NULL, KIND_ANY}};

static const struct member skip_members[] = {{"value", KIND_ANY}, {NULL, KIND_ANY}};

static const struct member items_members[] = {
    {"ids", KIND_LIST},   {"workflow", KIND_TEXT}, {"node", KIND_TEXT},     {"code", KIND_TEXT},
    {"older", KIND_TEXT}, {"newer", KIND_TEXT},    {"priority", KIND_TEXT}, {NULL, KIND_ANY},
};

static const struct member no_members[] = {{NULL, KIND_ANY}};

static const struct member *members_of(enum route_action action)
{
    switch (action) {
    case ROUTE_START:
        return start_members;
    case ROUTE_EXECUTE:
        return execute_members;
    case ROUTE_SEND:
        return event_members;
    case ROUTE_RESOLVE:
        return resolve_members;
    case ROUTE_RETRY:
        return retry_members;
    case ROUTE_RESUME:
        return resume_members;
    case ROUTE_BREAKER:
    case ROUTE_LIMIT:
        return breaker_members;
    case ROUTE_REQUEUE:
        return requeue_members;
    case ROUTE_SKIP:
        return skip_members;
    case ROUTE_TRY_ALL:
    case ROUTE_REQUEUE_ALL:
    case ROUTE_DROP_ALL:
        return items_members;
    case ROUTE_DROP:
    case ROUTE_CANCEL:
    case ROUTE_PAUSE:
    case ROUTE_READ:
    case ROUTE_STREAM:
        break;
    }
    return no_members;
}

static bool are_texts(const struct value *map)
{
    for (size_t i = 0; value_is(map, VALUE_MAP) && i < value_count(map); i++) {
        if (!value_is(&value_member_at(map, i)->value, VALUE_STRING)) {
            return false;
        }
    }
    return value_is(map, VALUE_MAP);
}

/* NULL, or what it has to be. */
static const char *fault_of(const struct value *value, enum kind kind)
{
    switch (kind) {
    case KIND_TEXT:
        return value_is(value, VALUE_STRING) && value_count(value) > 0 ? NULL
                                                                       : "text that is not empty";
    case KIND_MAP:
        return value_is(value, VALUE_MAP) ? NULL : "a map";
    case KIND_TEXTS:
        return are_texts(value) ? NULL : "a map of texts";
    case KIND_LIST:
        return value_is(value, VALUE_LIST) ? NULL : "a list";
    case KIND_TRUE:
        return value_is(value, VALUE_BOOL) && value_bool(value) ? NULL : "true";
    case KIND_ANY:
        return NULL;
    }
    return NULL;
}

static int check_member(const struct member *members, const struct value_member *given,
                        struct error *err)
{
    struct str key = value_str(&given->key);
    for (const struct member *member = members; member->name != NULL; member++) {
        const char *fault = NULL;
        if (!str_equal_text(key, member->name)) {
            continue;
        }
        fault = fault_of(&given->value, member->kind);
        return fault == NULL ? 0
                             : error_set(err, E_INVALID, "'%s' of the body has to be %s",
                                         member->name, fault);
    }
    return error_set(err, E_INVALID, "the body has the unknown member '%.*s'", STR_ARG(key));
}

int control_body_check(enum route_action action, const struct document *body, struct error *err)
{
    const struct value *root = body != NULL ? document_root(body) : NULL;
    int status = 0;
    for (size_t i = 0; root != NULL && status == 0 && i < value_count(root); i++) {
        status = check_member(members_of(action), value_member_at(root, i), err);
    }
    return status;
}

struct str control_body_text(const struct document *body, const char *key)
{
    const struct value *value = body != NULL ? value_get(document_root(body), str_from(key)) : NULL;
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}
