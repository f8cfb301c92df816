/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <stdio.h>

#include "service/call.h"
#include "service/url.h"

/* A name of a service or an operation, a parameter with what is around it, and room. */
enum { MOST_PARAMETERS = 64, NAME_BYTES = 64, FAULT_BYTES = 256 };

/* Every part of the catalog is made with it, so that one answer tells of all that went wrong. */
struct maker {
    ops_scope scope;
    ops_status status;
    ops_error *err;
};

static void *make(struct maker *maker, uint64_t size)
{
    void *memory = NULL;
    if (maker->status == OPS_OK) {
        maker->status = ops.value->alloc(ops.h, maker->scope, size, &memory);
    }
    return maker->status == OPS_OK ? memory : NULL;
}

/* What stands first is what is told. */
static void refuse(struct maker *maker, const char *format, const char *service,
                   const char *operation, const char *what)
{
    ops_val kept = 0;
    char message[FAULT_BYTES];
    if (maker->status != OPS_OK) {
        return;
    }
    (void)snprintf(message, sizeof message, format, service, operation, what);
    maker->status = ops_error_fill(maker->err, OPS_E_CONFIG, "");
    if (ops.value->new_str(ops.h, maker->scope, ops_text(message), &kept) == OPS_OK) {
        (void)ops.value->get_str(ops.h, kept, &maker->err->message);
    }
}

/* `before`, `s` and `after` as one text that lives as long as the instance. */
static const char *join(struct maker *maker, const char *before, ops_str s, const char *after)
{
    uint64_t size = strlen(before) + s.n + strlen(after) + 1;
    char *text = make(maker, size);
    if (text != NULL) {
        (void)snprintf(text, size, "%s%.*s%s", before, (int)s.n, s.n > 0 ? s.p : "", after);
    }
    return text;
}

static const char *keep(struct maker *maker, ops_str s)
{
    return join(maker, "", s, "");
}

static const char *keep_member(struct maker *maker, ops_val map, const char *key,
                               const char *otherwise)
{
    return keep(maker, ops_get_str(map, key, otherwise));
}

/* ---- Parameters ---- */

static int has_name(const char *const *names, ops_str name)
{
    while (*names != NULL && !ops_equal(name, *names)) {
        names++;
    }
    return *names != NULL;
}

/* Each is there once. */
static void add_name(struct maker *maker, const char **names, ops_str name)
{
    uint64_t n = 0;
    if (names == NULL || maker->status != OPS_OK || has_name(names, name)) {
        return;
    }
    while (names[n] != NULL) {
        n++;
    }
    if (n == MOST_PARAMETERS) {
        maker->status =
            ops_error_fill(maker->err, OPS_E_CONFIG, "an operation has more than 64 parameters");
        return;
    }
    names[n] = keep(maker, name);
}

static const char **make_names(struct maker *maker)
{
    return make(maker, (MOST_PARAMETERS + 1) * sizeof(char *));
}

/* The path as service.h wants it: its parameters stand in the config's member `parameters`. */
static const char *read_path(struct maker *maker, ops_str path, struct catalog_operation *operation)
{
    const char *made = keep(maker, ops_text(""));
    uint64_t at = 0;
    while (made != NULL && at < path.n) {
        const char *open = memchr(path.p + at, '{', (size_t)(path.n - at));
        uint64_t end = open != NULL ? (uint64_t)(open - path.p) : path.n;
        made = join(maker, made, ops_slice(path.p + at, end - at), "");
        if (made == NULL || open == NULL) {
            return made;
        }
        const char *close = memchr(open, '}', (size_t)(path.n - end)); /* the schema says so */
        uint64_t start = open[1] == '+' ? 2 : 1;
        ops_str name = ops_slice(open + start, (uint64_t)(close - open) - start);
        add_name(maker, operation->parameters, name);
        add_name(maker, operation->required, name);
        made = join(maker, made, ops_slice(open, start), "parameters.");
        made = made != NULL ? join(maker, made, name, "}") : NULL;
        at = (uint64_t)(close - path.p) + 1;
    }
    return made;
}

/* "sent=parameters.name", and "|default" where there is one; NULL: the map is not there. */
static const char *const *read_fields(struct maker *maker, ops_val fields, ops_val defaults,
                                      struct catalog_operation *operation)
{
    uint64_t n = ops.value->count(ops.h, fields);
    const char **names = fields != 0 ? make(maker, (n + 1) * sizeof *names) : NULL;
    for (uint64_t i = 0; names != NULL && i < n && maker->status == OPS_OK; i++) {
        ops_str sent = {NULL, 0};
        ops_str parameter = {NULL, 0};
        ops_val value = 0;
        ops_val otherwise = 0;
        (void)ops.value->pair(ops.h, fields, i, &sent, &value); /* the schema says: texts */
        (void)ops.value->get_str(ops.h, value, &parameter);
        (void)ops.value->find(ops.h, defaults, parameter, &otherwise);
        add_name(maker, operation->parameters, parameter);
        const char *name = join(maker, "", sent, "=parameters.");
        name = name != NULL ? join(maker, name, parameter, otherwise != 0 ? "|" : "") : NULL;
        names[i] = name != NULL && otherwise != 0 ? join(maker, name, url_scalar(otherwise), "")
                                                  : name;
    }
    return names;
}

static void read_required(struct maker *maker, ops_val list, struct catalog_operation *operation)
{
    for (uint64_t i = 0; i < ops.value->count(ops.h, list); i++) {
        ops_val item = 0;
        ops_str name = {NULL, 0};
        (void)ops.value->at(ops.h, list, i, &item);
        (void)ops.value->get_str(ops.h, item, &name);
        add_name(maker, operation->required, name);
    }
}

/* Names that lead nowhere would be passed over in silence. */
static void check_names(struct maker *maker, const char *service,
                        const struct catalog_operation *operation, ops_val defaults)
{
    for (uint64_t i = 0; maker->status == OPS_OK && operation->required[i] != NULL; i++) {
        if (!has_name(operation->parameters, ops_text(operation->required[i]))) {
            refuse(maker,
                   "operation '%s.%s' requires '%s', which stands in no path, query or body of it",
                   service, operation->name, operation->required[i]);
        }
    }
    for (uint64_t i = 0; i < ops.value->count(ops.h, defaults); i++) {
        ops_str name = {NULL, 0};
        char shown[NAME_BYTES];
        (void)ops.value->pair(ops.h, defaults, i, &name, NULL);
        (void)snprintf(shown, sizeof shown, "%.*s", (int)name.n, name.p);
        if (!has_name(operation->parameters, name)) {
            refuse(maker,
                   "operation '%s.%s' has a default for '%s', which stands in no query of it",
                   service, operation->name, shown);
        }
    }
}

/* ---- Operations ---- */

/* NULL: all of it, under `whole` or as it is. */
static const struct pick *read_output(struct maker *maker, ops_val output, const char *whole)
{
    uint64_t n = output != 0 ? ops.value->count(ops.h, output) : 1;
    struct pick *table = output != 0 || whole != NULL ? make(maker, (n + 1) * sizeof *table) : NULL;
    if (table != NULL && output == 0) {
        table[0] = (struct pick){whole, "", NULL};
    }
    for (uint64_t i = 0; table != NULL && output != 0 && i < n; i++) {
        ops_str name = {NULL, 0};
        ops_str path = {NULL, 0};
        ops_val value = 0;
        (void)ops.value->pair(ops.h, output, i, &name, &value);
        (void)ops.value->get_str(ops.h, value, &path);
        table[i] = (struct pick){keep(maker, name), keep(maker, path), NULL};
    }
    return table;
}

static const struct service_pages *read_pages(struct maker *maker, ops_val settings)
{
    struct service_pages *pages = make(maker, sizeof *pages);
    ops_val counted = ops_get(settings, "pages");
    if (pages == NULL) {
        return NULL;
    }
    pages->list = keep_member(maker, settings, "items", "");
    pages->items = read_output(maker, ops_get(settings, "output"), NULL);
    pages->limit = "limit";
    if (ops_get(settings, "next") != 0) {
        pages->next = keep_member(maker, settings, "next", "");
    }
    if (counted != 0) {
        pages->counted = keep_member(maker, counted, "query", "");
        pages->first = ops_get_i64(counted, "first", 1);
        pages->counts_items = ops_equal(ops_get_str(counted, "by", "page"), "item");
    }
    return pages;
}

static void read_operation(struct maker *maker, const struct catalog_service *service, ops_str name,
                           ops_val settings, struct catalog_operation *out)
{
    ops_val defaults = ops_get(settings, "defaults");
    struct service_operation *one = &out->one;
    out->name = keep(maker, name);
    out->parameters = make_names(maker);
    out->required = make_names(maker);
    one->type = "api.call";
    one->request.path = read_path(maker, ops_get_str(settings, "path", "/"), out);
    one->request.query = read_fields(maker, ops_get(settings, "query"), defaults, out);
    one->request.body = read_fields(maker, ops_get(settings, "body"), 0, out);
    one->request.method =
        keep_member(maker, settings, "method", one->request.body != NULL ? "POST" : "GET");
    one->output = read_output(maker, ops_get(settings, "output"), "body");
    one->subject = join(maker, "what is asked for by '", name, "'");
    one->flags = SERVICE_MAY_BE_EMPTY |
                 (ops_get_bool(settings, "repeatable", 0) ? SERVICE_REPEATABLE : 0);
    read_required(maker, ops_get(settings, "required"), out);
    if (maker->status != OPS_OK) {
        return;
    }
    check_names(maker, service->name, out, defaults);
    if (ops_get(settings, "items") != 0) {
        out->list = *one;
        out->list.type = "api.list";
        out->list.pages = read_pages(maker, settings);
    }
}

/* ---- Services ---- */

static void read_headers(struct maker *maker, ops_val headers, struct service *out)
{
    uint64_t n = ops.value->count(ops.h, headers);
    struct service_header *table = headers != 0 ? make(maker, (n + 1) * sizeof *table) : NULL;
    for (uint64_t i = 0; table != NULL && i < n; i++) {
        ops_str name = {NULL, 0};
        ops_str value = {NULL, 0};
        ops_val v = 0;
        (void)ops.value->pair(ops.h, headers, i, &name, &v);
        (void)ops.value->get_str(ops.h, v, &value);
        table[i] = (struct service_header){keep(maker, name), keep(maker, value)};
    }
    out->headers = table;
}

static void read_service(struct maker *maker, ops_str name, ops_val settings,
                         struct catalog_service *out)
{
    static const struct service_operation none[] = {{.type = NULL}};
    ops_val operations = ops_get(settings, "operations");
    uint64_t n = ops.value->count(ops.h, operations);
    out->name = keep(maker, name);
    out->service.id = "api";
    out->service.name = keep_member(maker, settings, "name", out->name != NULL ? out->name : "");
    out->service.base_url = "";
    out->service.auth_header = keep_member(maker, settings, "auth_header", "Authorization");
    out->service.auth_prefix = keep_member(maker, settings, "auth_prefix", "Bearer ");
    out->service.place = join(maker, "api.services.", name, "");
    out->service.operations = none;
    read_headers(maker, ops_get(settings, "headers"), &out->service);
    out->operations = make(maker, n * sizeof *out->operations);
    out->n_operations = n;
    for (uint64_t i = 0; maker->status == OPS_OK && i < n; i++) {
        ops_str key = {NULL, 0};
        ops_val operation = 0;
        (void)ops.value->pair(ops.h, operations, i, &key, &operation);
        read_operation(maker, out, key, operation, &out->operations[i]);
    }
    if (maker->status == OPS_OK) {
        maker->status =
            service_create(&out->service, maker->scope, settings, &out->node, maker->err);
    }
}

ops_status catalog_read(struct catalog *catalog, ops_scope scope, ops_val settings, ops_error *err)
{
    struct maker maker = {.scope = scope, .status = OPS_OK, .err = err};
    ops_val services = ops_get(settings, "services");
    uint64_t n = ops.value->count(ops.h, services);
    catalog->services = make(&maker, n * sizeof *catalog->services);
    catalog->n_services = catalog->services != NULL ? n : 0;
    for (uint64_t i = 0; maker.status == OPS_OK && i < n; i++) {
        ops_str name = {NULL, 0};
        ops_val service = 0;
        (void)ops.value->pair(ops.h, services, i, &name, &service);
        read_service(&maker, name, service, &catalog->services[i]);
    }
    return maker.status;
}

void catalog_finish(struct catalog *catalog)
{
    for (uint64_t i = 0; i < catalog->n_services; i++) {
        service_destroy(catalog->services[i].node);
    }
}

const struct catalog_service *catalog_find_service(const struct catalog *catalog, ops_str name)
{
    for (uint64_t i = 0; i < catalog->n_services; i++) {
        if (ops_equal(name, catalog->services[i].name)) {
            return &catalog->services[i];
        }
    }
    return NULL;
}

const struct catalog_operation *catalog_find_operation(const struct catalog_service *service,
                                                       ops_str name)
{
    for (uint64_t i = 0; i < service->n_operations; i++) {
        if (ops_equal(name, service->operations[i].name)) {
            return &service->operations[i];
        }
    }
    return NULL;
}
