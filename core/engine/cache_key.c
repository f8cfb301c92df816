/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/cache_key.h"

#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/run_state.h"
#include "core/model/catalogue.h"
#include "core/value/value.h"

/* With its length no text looks like two. */
static void append_part(struct strbuf *out, const char *name, struct str text)
{
    strbuf_append_format(out, "%s %zu ", name, text.n);
    strbuf_append_str(out, text);
    strbuf_append_char(out, '\n');
}

/* Takes `document`. */
static void append_document(struct strbuf *out, const char *name, struct document *document)
{
    strbuf_append_format(out, "%s ", name);
    value_write_canonical(document_root(document), out);
    strbuf_append_char(out, '\n');
    document_unref(document);
}

/* What `integrations` says of the plugin: another base_url is another question. */
static int append_settings(const struct decision *d, const struct node *def, struct strbuf *out,
                           struct error *err)
{
    const struct pipeline *pipeline = d->run->pipeline;
    const struct integration *integration = pipeline_find_integration(pipeline, def->type->plugin);
    struct decision of_run = {.run = d->run,
                              .frame = d->run->root,
                              .now = d->run->started_at,
                              .batch = d->batch,
                              .names_secrets = true};
    struct document *settings = NULL;
    if (integration == NULL || integration->settings == NULL) {
        return 0;
    }
    int status = decision_resolve(&of_run, RECORD_NO_NODE, integration->settings, &settings, err);
    if (status == 0) {
        append_document(out, "settings", settings);
    }
    return status;
}

static int append_config(const struct decision *d, uint32_t node, struct strbuf *out,
                         struct error *err)
{
    const struct node *def = decision_node(d, node);
    struct decision by_names = *d;
    struct document *config = NULL;
    by_names.names_secrets = true;
    int status = decision_resolve(&by_names, node, def->config, &config, err);
    if (status != 0) {
        return status;
    }
    append_document(out, "config", config);
    return append_settings(d, def, out, err);
}

static int append_key(const struct decision *d, uint32_t node, struct strbuf *out,
                      struct error *err)
{
    struct document *key = NULL;
    int status = decision_compute(d, node, decision_node(d, node)->cache->key, &key, err);
    if (status == 0) {
        append_document(out, "key", key);
    } else {
        error_prefix(err, "cache: key: ");
    }
    return status;
}

int cache_key_make(const struct decision *d, uint32_t node, enum cache_key_kind kind,
                   char out[DIGEST_HEX_SIZE], struct error *err)
{
    const struct node *def = decision_node(d, node);
    unsigned char digest[DIGEST_BYTES];
    struct strbuf text = STRBUF_INIT;
    bool has_key = kind == CACHE_KEY_ANSWER && def->cache->key != NULL;
    append_part(&text, kind == CACHE_KEY_ANSWER ? "cache" : "fallback", def->type->name);
    if (kind == CACHE_KEY_FALLBACK) {
        append_part(&text, "pipeline", d->run->pipeline->id);
        append_part(&text, "node", def->id);
    }
    if (node_has_stream(def)) { /* with its items */
        append_part(&text, "stream", STR(""));
    }
    int status = has_key ? append_key(d, node, &text, err) : append_config(d, node, &text, err);
    if (status == 0 && strbuf_status(&text) != 0) {
        status = error_nomem(err);
    }
    if (status == 0) {
        digest_sha256(strbuf_str(&text), digest);
        digest_format_hex(digest, DIGEST_BYTES, out);
    }
    strbuf_finish(&text);
    return status;
}
