/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/definition_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/model/bundle.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"

enum { MOST_LOADED = 32 };

/* The latest ones; runs hold their pipelines themselves. */
struct definition_store {
    struct loaded {
        char digest[DIGEST_HEX_SIZE];
        char variant[DIGEST_HEX_SIZE];
        struct definitions *definitions;
    } loaded[MOST_LOADED];
    size_t count;
    size_t next; /* the place that is used again next */
};

void definition_store_destroy(struct definition_store *store)
{
    for (size_t i = 0; store != NULL && i < store->count; i++) {
        definitions_destroy(store->loaded[i].definitions);
    }
    free(store);
}

static const struct definitions *find_loaded(const struct definition_store *store,
                                             const struct definition_wish *wish)
{
    for (size_t i = 0; i < store->count; i++) {
        if (str_equal_text(wish->digest, store->loaded[i].digest) &&
            str_equal_text(wish->variant, store->loaded[i].variant)) {
            return store->loaded[i].definitions;
        }
    }
    return NULL;
}

static void keep_text(struct str text, char out[DIGEST_HEX_SIZE])
{
    size_t n = text.n < DIGEST_HEX_SIZE ? text.n : DIGEST_HEX_SIZE - 1;
    if (n > 0) {
        memcpy(out, text.p, n);
    }
    out[n] = '\0';
}

static void keep_loaded(struct definition_store *store, const struct definition_wish *wish,
                        struct definitions *definitions)
{
    size_t place = store->count < MOST_LOADED ? store->count++ : store->next;
    struct loaded *loaded = &store->loaded[place];
    store->next = (place + 1) % MOST_LOADED;
    definitions_destroy(loaded->definitions);
    keep_text(wish->digest, loaded->digest);
    keep_text(wish->variant, loaded->variant);
    loaded->definitions = definitions;
}

/* What is wrong with the bundle or its surroundings blocks a run; what is wrong here does not. */
static int blocked_or(int status)
{
    return status == 0 || status == E_NOMEM || status == E_IO ? status : LOOP_BLOCKED;
}

/* Records name nodes by number: those must mean what they meant. */
static int check_layout(const struct definitions *definitions, struct str compiled_by,
                        struct error *err)
{
    struct strbuf now = STRBUF_INIT;
    const struct pipeline *first = NULL;
    for (size_t i = 0; first == NULL && i < definitions->count; i++) {
        first = definitions->pipelines[i];
    }
    if (first == NULL) {
        return error_set(err, E_INVALID, "its definition has no pipeline");
    }
    layout_write(first, "opstream", &now);
    int status = strbuf_status(&now) != 0 ? error_nomem(err) : 0;
    if (status == 0 && !layout_is_same(compiled_by, strbuf_str(&now))) {
        status = error_set(err, E_VERSION,
                           "its definition means something else to this program and its plugins "
                           "than to those that began it (%.*s)",
                           STR_ARG(compiled_by));
    }
    strbuf_finish(&now);
    return status;
}

static int load(const struct definition_wish *wish, struct definitions **out, struct error *err)
{
    struct strbuf source = STRBUF_INIT;
    struct strbuf compiled_by = STRBUF_INIT;
    struct bundle *bundle = NULL;
    int status = journal_reader_definition(wish->reader, wish->digest, &source, &compiled_by, err);
    if (status == 0) {
        status = bundle_read(strbuf_str(&source), &bundle, err);
    }
    if (status == 0) {
        status = bundle_load(bundle, wish->options, out, err);
    }
    if (status == 0) {
        status = check_layout(*out, strbuf_str(&compiled_by), err);
        if (status != 0) {
            definitions_destroy(*out);
            *out = NULL;
        }
    }
    bundle_destroy(bundle);
    strbuf_finish(&source);
    strbuf_finish(&compiled_by);
    return blocked_or(status);
}

static int pick(const struct definitions *definitions, struct str workflow,
                const struct pipeline **out_pipeline, struct error *err)
{
    const struct pipeline *any = NULL;
    for (size_t i = 0; i < definitions->count; i++) {
        if (definitions->pipelines[i] != NULL && str_equal(definitions->ids[i], workflow)) {
            *out_pipeline = definitions->pipelines[i];
            return 0;
        }
        any = definitions->pipelines[i] != NULL ? definitions->pipelines[i] : any;
    }
    *out_pipeline = any != NULL ? pipeline_find_other(any, workflow) : NULL;
    if (*out_pipeline != NULL) {
        return 0;
    }
    (void)error_set(err, E_NOT_FOUND, "its definition has no pipeline '%.*s'", STR_ARG(workflow));
    return LOOP_BLOCKED;
}

int definition_store_find(struct definition_store **store, const struct definition_wish *wish,
                          const struct pipeline **out_pipeline, struct error *err)
{
    struct definitions *definitions = NULL;
    if (*store == NULL) {
        *store = calloc(1, sizeof(**store));
    }
    if (*store == NULL) {
        return error_nomem(err);
    }
    const struct definitions *known = find_loaded(*store, wish);
    if (known == NULL) {
        int status = load(wish, &definitions, err);
        if (status != 0) {
            return status;
        }
        keep_loaded(*store, wish, definitions);
        known = definitions;
    }
    return pick(known, wish->workflow, out_pipeline, err);
}
