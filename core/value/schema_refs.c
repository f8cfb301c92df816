/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and references inside one document. A resource is a part with a URI: the whole document,
 * and each subschema with an $id. A $ref is resolved against the URI of the resource that it
 * stands in; its fragment is a JSON pointer from that resource's root, or an anchor in it.
 */
#include "core/value/schema_compiler.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/value/schema_uri.h"
#include "core/value/value.h"

static bool is_anchor_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_later = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!is_first && (i == 0 || !is_later)) {
            return false;
        }
    }
    return name.n > 0;
}

/* `uri` + '#' + `name` in the compiler's arena; `.p` is NULL when out of memory. */
static struct str make_anchor_key(struct compiler *c, struct str uri, struct str name)
{
    struct strbuf key = STRBUF_INIT;
    strbuf_append_str(&key, uri);
    strbuf_append_char(&key, '#');
    strbuf_append_str(&key, name);
    struct str kept = {0};
    if (strbuf_status(&key) == 0) {
        kept = arena_dup_str(&c->arena, strbuf_str(&key));
    }
    strbuf_finish(&key);
    return kept;
}

/* `reference` (without fragment) as seen from `base`, in the compiler's arena. */
static struct str resolve_uri(struct compiler *c, struct str base, struct str reference)
{
    struct strbuf uri = STRBUF_INIT;
    schema_uri_resolve(base, reference, &uri);
    struct str kept = {0};
    if (strbuf_status(&uri) == 0) {
        kept = arena_dup_str(&c->arena, strbuf_str(&uri));
    }
    strbuf_finish(&uri);
    return kept;
}

static int read_id(struct compiler *c, const struct value *id)
{
    struct schema_origin *origin = &c->origins[c->node];
    const struct value *source = c->schema->nodes[c->node].source;
    if (!value_is(id, VALUE_STRING)) {
        return compiler_fail_at(c, c->node, STR("$id"), E_INVALID, "must be text");
    }
    if (schema_uri_fragment(value_str(id)).n > 0) {
        return compiler_fail_at(c, c->node, STR("$id"), E_INVALID,
                                "must be a URI without a fragment: use $anchor for a name");
    }
    struct schema_resource *resource = arena_calloc(&c->arena, 1, sizeof(*resource));
    if (resource == NULL) {
        return error_nomem(c->err);
    }
    resource->root = source;
    resource->uri =
        resolve_uri(c, origin->resource->uri, schema_uri_without_fragment(value_str(id)));
    if (resource->uri.p == NULL) {
        return error_nomem(c->err);
    }

    origin->resource = resource;
    int status = strmap_add(&c->resources, resource->uri, resource);
    if (status == E_EXISTS) {
        const struct schema_resource *other = strmap_get(&c->resources, resource->uri);
        return other->root == source
                   ? 0
                   : compiler_fail_at(c, c->node, STR("$id"), E_INVALID,
                                      "'%.*s' is the $id of another subschema, too",
                                      STR_ARG(resource->uri));
    }
    return status != 0 ? error_nomem(c->err) : 0;
}

static int read_anchor(struct compiler *c, struct str keyword, const struct value *anchor)
{
    const struct value *source = c->schema->nodes[c->node].source;
    if (!value_is(anchor, VALUE_STRING) || !is_anchor_name(value_str(anchor))) {
        return compiler_fail_at(c, c->node, keyword, E_INVALID,
                                "must be a name: a letter or '_', then letters, digits, '-', '_' "
                                "and '.'");
    }
    struct str key = make_anchor_key(c, c->origins[c->node].resource->uri, value_str(anchor));
    if (key.p == NULL) {
        return error_nomem(c->err);
    }

    int status = strmap_add(&c->anchors, key, (void *)(uintptr_t)source);
    if (status == E_EXISTS && strmap_get(&c->anchors, key) != (const void *)source) {
        return compiler_fail_at(c, c->node, keyword, E_INVALID,
                                "'%.*s' names another subschema, too", STR_ARG(value_str(anchor)));
    }
    return status == E_NOMEM ? error_nomem(c->err) : 0;
}

int compiler_read_names(struct compiler *c)
{
    const struct value *source = c->schema->nodes[c->node].source;
    const struct value *id = value_get(source, STR("$id"));
    int status = id != NULL ? read_id(c, id) : 0;
    const struct str keywords[] = {STR("$anchor"), STR("$dynamicAnchor")};
    for (size_t i = 0; i < 2 && status == 0; i++) {
        const struct value *anchor = value_get(source, keywords[i]);
        status = anchor != NULL ? read_anchor(c, keywords[i], anchor) : 0;
    }
    return status;
}

/* The value that `fragment` names in `resource`; NULL when there is none or `*status` is set. */
static const struct value *find_fragment(struct compiler *c, const struct schema_resource *resource,
                                         struct str fragment, int *status)
{
    struct strbuf decoded = STRBUF_INIT;
    schema_uri_decode(fragment, &decoded);
    *status = strbuf_status(&decoded) != 0 ? error_nomem(c->err) : 0;
    struct str name = strbuf_str(&decoded);
    const struct value *found = NULL;
    if (*status == 0 && (name.n == 0 || name.p[0] == '/')) {
        found = value_pointer(resource->root, name);
    } else if (*status == 0) {
        struct str key = make_anchor_key(c, resource->uri, name);
        *status = key.p == NULL ? error_nomem(c->err) : 0;
        found = key.p == NULL ? NULL : strmap_get(&c->anchors, key);
    }
    strbuf_finish(&decoded);
    return found;
}

static int find_resource(struct compiler *c, uint32_t node, struct str uri,
                         const struct schema_resource **out_resource)
{
    const struct schema_resource *here = c->origins[node].resource;
    if (uri.n == 0) {
        *out_resource = here;
        return 0;
    }
    struct str absolute = resolve_uri(c, here->uri, uri);
    if (absolute.p == NULL) {
        return error_nomem(c->err);
    }
    const struct schema_resource *found = strmap_get(&c->resources, absolute);
    if (found == NULL) {
        return compiler_fail_at(c, node, STR("$ref"), E_INVALID,
                                "'%.*s' is not in this document, and references to other "
                                "documents are not supported: copy the schema below $defs",
                                STR_ARG(absolute));
    }
    *out_resource = found;
    return 0;
}

/* The node of `target`, which is added when no keyword led to it. */
static int find_node(struct compiler *c, const struct value *target,
                     const struct schema_resource *resource, struct str fragment,
                     uint32_t *out_node)
{
    const struct value *const *key = &target;
    uintptr_t known =
        (uintptr_t)strmap_get(&c->by_value, str_make((const char *)key, sizeof(*key)));
    if (known != 0) {
        *out_node = (uint32_t)(known - 1);
        return 0;
    }
    struct schema_origin origin = {
        .parent = SCHEMA_NO_NODE, .keyword = fragment, .resource = resource};
    return compiler_add_node(c, target, &origin, out_node);
}

int compiler_resolve(struct compiler *c, struct schema_reference reference)
{
    struct str text = value_str(c->schema->rules[reference.rule].operand);
    const struct schema_resource *resource = NULL;
    int status = find_resource(c, reference.node, schema_uri_without_fragment(text), &resource);
    if (status != 0) {
        return status;
    }
    struct str fragment = schema_uri_fragment(text);
    const struct value *target = find_fragment(c, resource, fragment, &status);
    if (status != 0) {
        return status;
    }
    if (target == NULL) {
        return compiler_fail_at(c, reference.node, STR("$ref"), E_INVALID,
                                "'%.*s' names nothing in this document", STR_ARG(text));
    }
    uint32_t node = 0;
    status = find_node(c, target, resource, fragment, &node);
    if (status == 0) {
        c->schema->rules[reference.rule].node = node;
    }
    return status;
}

/* One step of the walk: the next subschema of `node` that looks at the same value. */
struct walk {
    uint32_t node;
    uint32_t rule;
    uint32_t child;
};

static uint32_t walk_next(const struct schema *schema, struct walk *walk)
{
    const struct schema_node *node = &schema->nodes[walk->node];
    for (; walk->rule < node->rule_count; walk->rule++, walk->child = 0) {
        const struct schema_rule *rule = schema_rule_at(schema, node, walk->rule);
        while (walk->child < schema_rule_in_place_count(rule)) {
            uint32_t next = schema_rule_in_place_node(schema, rule, walk->child++);
            if (next != SCHEMA_NO_NODE) {
                return next;
            }
        }
    }
    return SCHEMA_NO_NODE;
}

enum walk_mark { WALK_NEW, WALK_OPEN, WALK_DONE };

static int walk_from(struct compiler *c, uint32_t start, unsigned char *marks, struct walk *stack)
{
    size_t depth = 1;
    stack[0] = (struct walk){.node = start};
    marks[start] = WALK_OPEN;
    while (depth > 0) {
        uint32_t next = walk_next(c->schema, &stack[depth - 1]);
        if (next == SCHEMA_NO_NODE) {
            marks[stack[--depth].node] = WALK_DONE;
        } else if (marks[next] == WALK_OPEN) {
            return compiler_fail_at(c, stack[depth - 1].node, STR(""), E_INVALID,
                                    "the references loop: this subschema asks itself about the "
                                    "same value");
        } else if (marks[next] == WALK_NEW) {
            marks[next] = WALK_OPEN;
            stack[depth++] = (struct walk){.node = next};
        }
    }
    return 0;
}

int compiler_refuse_loops(struct compiler *c)
{
    size_t count = c->schema->node_count;
    cleanup_free unsigned char *marks = calloc(count, sizeof(*marks));
    cleanup_free struct walk *stack = calloc(count, sizeof(*stack));
    if (marks == NULL || stack == NULL) {
        return error_nomem(c->err);
    }
    int status = 0;
    for (size_t node = 0; node < count && status == 0; node++) {
        if (marks[node] == WALK_NEW) {
            status = walk_from(c, (uint32_t)node, marks, stack);
        }
    }
    return status;
}
