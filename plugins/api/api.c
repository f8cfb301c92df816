/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node types `api.call` and `api.list`: operations of services that no plugin knows. The
 * settings describe them (catalog.c); how they are called, what goes wrong and how pages follow
 * each other is that of all services (../service).
 */

#include <stdlib.h>

#include "catalog.h"
#include "opstream/sdk.h"
#include "service/call.h"
#include "service/text.h"

/* ---- Instances ---- */

static struct catalog *catalog_of(const ops_node *node)
{
    return node->own;
}

static void api_destroy(ops_node *node)
{
    if (node != NULL) {
        catalog_finish(catalog_of(node));
        free(node->own);
        free(node);
    }
}

static ops_status api_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                             ops_error *err)
{
    ops_node *node = calloc(1, sizeof *node);
    struct catalog *catalog = calloc(1, sizeof *catalog);
    (void)plugin;
    if (node == NULL || catalog == NULL) {
        free(node);
        free(catalog);
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    node->own = catalog;
    ops_status status = catalog_read(catalog, scope, settings, err);
    if (status != OPS_OK) {
        api_destroy(node);
        return status;
    }
    *out = node;
    return OPS_OK;
}

/* ---- What is wrong with a config ---- */

static void append_names(struct text *out, const char *before, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        text_append_literal(out, i == 0 ? before : ", ");
        text_append_literal(out, names[i]);
    }
}

/* Ends the task; `hint` and `path` may be empty. */
static void refuse(ops_task task, struct text *message, struct text *hint, const char *path)
{
    ops_error e = ops_error_make(OPS_E_CONFIG, "the config names nothing that is there");
    e.message = message->failed ? e.message : text_str(message);
    e.hint = hint->failed ? ops_text("") : text_str(hint);
    e.path = ops_text(path);
    e.symbol = ops_text("api.config");
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
    text_finish(message);
    text_finish(hint);
}

static void append_quoted(struct text *out, const char *before, ops_str name, const char *after)
{
    text_append_literal(out, before);
    text_append_line(out, name, 100);
    text_append_literal(out, after);
}

static void refuse_service(ops_task task, const struct catalog *catalog, ops_str name)
{
    struct text message = {NULL, 0, 0, 0};
    struct text hint = {NULL, 0, 0, 0};
    append_quoted(&message, "integrations.api has no service '", name, "'");
    for (uint64_t i = 0; i < catalog->n_services; i++) {
        text_append_literal(&hint, i == 0 ? "it has " : ", ");
        text_append_literal(&hint, catalog->services[i].name);
    }
    refuse(task, &message, &hint, "/service");
}

static void refuse_operation(ops_task task, const struct catalog_service *service, ops_str name)
{
    struct text message = {NULL, 0, 0, 0};
    struct text hint = {NULL, 0, 0, 0};
    append_quoted(&message, "service '", ops_text(service->name), "' has no operation '");
    append_quoted(&message, "", name, "'");
    for (uint64_t i = 0; i < service->n_operations; i++) {
        text_append_literal(&hint, i == 0 ? "it has " : ", ");
        text_append_literal(&hint, service->operations[i].name);
    }
    refuse(task, &message, &hint, "/operation");
}

static void refuse_list(ops_task task, const struct catalog_operation *operation)
{
    struct text message = {NULL, 0, 0, 0};
    struct text hint = {NULL, 0, 0, 0};
    append_quoted(&message, "operation '", ops_text(operation->name), "' gives no list");
    text_append_literal(&hint,
                        "use api.call, or say with 'items' where in its answers the list is");
    refuse(task, &message, &hint, "/operation");
}

static void refuse_parameter(ops_task task, const struct catalog_operation *operation, ops_str name,
                             const char *what)
{
    struct text message = {NULL, 0, 0, 0};
    struct text hint = {NULL, 0, 0, 0};
    append_quoted(&message, "operation '", ops_text(operation->name), what);
    append_quoted(&message, "", name, "'");
    append_names(&hint, "it takes ", (const char *const *)operation->parameters);
    refuse(task, &message, &hint, "/parameters");
}

static int is_one_of(const char *const *names, ops_str name)
{
    while (*names != NULL && !ops_equal(name, *names)) {
        names++;
    }
    return *names != NULL;
}

/* 0: the task has ended. */
static int check_parameters(ops_task task, const struct catalog_operation *operation,
                            ops_val parameters)
{
    for (uint64_t i = 0; i < ops.value->count(ops.h, parameters); i++) {
        ops_str name = {NULL, 0};
        (void)ops.value->pair(ops.h, parameters, i, &name, NULL);
        if (!is_one_of((const char *const *)operation->parameters, name)) {
            refuse_parameter(task, operation, name, "' takes no parameter '");
            return 0;
        }
    }
    for (size_t i = 0; operation->required[i] != NULL; i++) {
        uint32_t type = ops.value->type(ops.h, ops_get(parameters, operation->required[i]));
        if (type == OPS_TYPE_NONE || type == OPS_TYPE_NULL) {
            refuse_parameter(task, operation, ops_text(operation->required[i]),
                             "' needs the parameter '");
            return 0;
        }
    }
    return 1;
}

/* ---- Tasks ---- */

static void start(ops_node *node, ops_task task, ops_val config, int is_list)
{
    const struct catalog *catalog = catalog_of(node);
    ops_str name = ops_get_str(config, "service", "");
    const struct catalog_service *service = catalog_find_service(catalog, name);
    if (service == NULL) {
        refuse_service(task, catalog, name);
        return;
    }
    name = ops_get_str(config, "operation", "");
    const struct catalog_operation *operation = catalog_find_operation(service, name);
    if (operation == NULL) {
        refuse_operation(task, service, name);
    } else if (is_list && operation->list.type == NULL) {
        refuse_list(task, operation);
    } else if (check_parameters(task, operation, ops_get(config, "parameters"))) {
        service_start(service->node, task, is_list ? &operation->list : &operation->one, config);
    }
}

static void call_execute(ops_node *node, ops_task task, ops_val config)
{
    start(node, task, config, 0);
}

static void list_execute(ops_node *node, ops_task task, ops_val config)
{
    start(node, task, config, 1);
}

static const ops_node_type api_call = {
    .size = (uint32_t)sizeof(ops_node_type),
    .flags = OPS_NODE_PARALLEL,
    .name = "api.call",
    .config_version = 1,
    .create = api_create,
    .execute = call_execute,
    .destroy = api_destroy,
};
static const ops_node_type api_list = {
    .size = (uint32_t)sizeof(ops_node_type),
    .flags = OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT,
    .name = "api.list",
    .config_version = 1,
    .create = api_create,
    .execute = list_execute,
    .destroy = api_destroy,
};

OPS_PLUGIN("api", "1.0.0", &api_call, &api_list);
