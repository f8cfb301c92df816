/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <stdlib.h>

const struct provider *provider_find(ops_str id)
{
    static const struct provider *const all[] = {&provider_openai, &provider_anthropic,
                                                 &provider_ollama};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (ops_equal(id, all[i]->id)) {
            return all[i];
        }
    }
    return &provider_openai;
}

static enum structured read_structured(ops_val settings)
{
    ops_str how = ops_get_str(settings, "structured_output", "schema");
    return ops_equal(how, "json")     ? STRUCTURED_JSON
           : ops_equal(how, "prompt") ? STRUCTURED_PROMPT
                                      : STRUCTURED_SCHEMA;
}

static void read_texts(ops_node *node)
{
    ops_str url = ops_get_str(node->settings, "base_url", provider_openai.base_url);
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    text_append_str(&node->base_url, url);
    text_append_str(&node->model, ops_get_str(node->settings, "model", NULL));
}

ops_status instance_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                           ops_error *err)
{
    ops_node *node = calloc(1, sizeof *node);
    ops_val key = ops_get(settings, "api_key");
    (void)plugin;
    if (node == NULL) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }

    node->settings = settings;
    node->provider = provider_find(ops_get_str(settings, "provider", NULL));
    node->structured = read_structured(settings);
    node->key = key != 0 ? ops_with_prefix(scope, node->provider->key_prefix, key) : 0;
    read_texts(node);
    if (node->base_url.failed || node->model.failed || (key != 0 && node->key == 0)) {
        instance_destroy(node);
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    *out = node;
    return OPS_OK;
}

void instance_destroy(ops_node *node)
{
    if (node == NULL) {
        return;
    }
    text_finish(&node->base_url);
    text_finish(&node->model);
    free(node);
}

int instance_has_credential(const ops_node *node)
{
    return node->key != 0 || ops.value->count(ops.h, ops_get(node->settings, "headers")) > 0;
}

int instance_lacks_key(const ops_node *node)
{
    return node->provider->needs_key && !instance_has_credential(node) &&
           ops_equal(text_str(&node->base_url), node->provider->base_url);
}

void instance_set_headers(const ops_node *node, struct instance_headers *headers, ops_http_req *req)
{
    const struct provider *provider = node->provider;
    ops_val own = ops_get(node->settings, "headers");
    uint64_t own_count = ops.value->count(ops.h, own);
    uint64_t n = 0;
    headers->names[n] = ops_text("Content-Type");
    headers->values[n++] = ops_text("application/json");
    if (node->key != 0) {
        headers->names[n] = ops_text(provider->key_header);
        headers->vals[n++] = node->key;
    }
    if (provider->version_header != NULL) {
        headers->names[n] = ops_text(provider->version_header);
        headers->values[n++] = ops_text(provider->version);
    }
    for (uint64_t i = 0; i < own_count && n < INSTANCE_MAX_HEADERS; i++) {
        if (ops.value->pair(ops.h, own, i, &headers->names[n], &headers->vals[n]) == OPS_OK) {
            n++;
        }
    }
    req->n_headers = n;
    req->header_names = headers->names;
    req->header_values = headers->values;
    req->header_vals = headers->vals;
}
