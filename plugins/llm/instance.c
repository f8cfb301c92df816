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
    const struct provider *provider = node->provider;
    ops_str url = ops_get_str(node->settings, "base_url", provider_openai.base_url);
    ops_str key = ops_get_str(node->settings, "api_key", NULL);
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    text_append_str(&node->base_url, url);
    text_append_str(&node->model, ops_get_str(node->settings, "model", NULL));
    if (key.n > 0) {
        text_append_literal(&node->key, provider->key_prefix);
        text_append_str(&node->key, key);
    }
}

ops_status instance_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                           ops_error *err)
{
    ops_node *node = calloc(1, sizeof *node);
    (void)plugin;
    (void)scope;
    if (node == NULL) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }

    node->settings = settings;
    node->provider = provider_find(ops_get_str(settings, "provider", NULL));
    node->structured = read_structured(settings);
    read_texts(node);
    if (node->base_url.failed || node->model.failed || node->key.failed) {
        instance_destroy(node);
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    *out = node;
    return OPS_OK;
}

ops_status instance_create_for_embed(ops_plugin *plugin, ops_scope scope, ops_val settings,
                                     ops_node **out, ops_error *err)
{
    if (provider_find(ops_get_str(settings, "provider", NULL))->embed_path == NULL) {
        return ops_error_fill(err, OPS_E_CONFIG,
                              "the provider of 'integrations.llm' makes no embeddings: use one of "
                              "'openai' and 'ollama'");
    }
    return instance_create(plugin, scope, settings, out, err);
}

void instance_destroy(ops_node *node)
{
    if (node == NULL) {
        return;
    }
    text_finish(&node->base_url);
    text_finish(&node->model);
    text_finish(&node->key);
    free(node);
}

int instance_lacks_key(const ops_node *node)
{
    return node->provider->needs_key && node->key.n == 0 &&
           ops_equal(text_str(&node->base_url), node->provider->base_url) &&
           ops.value->count(ops.h, ops_get(node->settings, "headers")) == 0;
}

uint64_t instance_headers(const ops_node *node, ops_str *names, ops_str *values)
{
    const struct provider *provider = node->provider;
    ops_val headers = ops_get(node->settings, "headers");
    uint64_t own = ops.value->count(ops.h, headers);
    uint64_t n = 0;
    names[n] = ops_text("Content-Type");
    values[n++] = ops_text("application/json");
    if (node->key.n > 0) {
        names[n] = ops_text(provider->key_header);
        values[n++] = text_str(&node->key);
    }
    if (provider->version_header != NULL) {
        names[n] = ops_text(provider->version_header);
        values[n++] = ops_text(provider->version);
    }
    for (uint64_t i = 0; i < own && n < INSTANCE_MAX_HEADERS; i++) {
        ops_val value = 0;
        if (ops.value->pair(ops.h, headers, i, &names[n], &value) == OPS_OK &&
            ops.value->get_str(ops.h, value, &values[n]) == OPS_OK) {
            n++;
        }
    }
    return n;
}
