/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_definition.h"

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/loop/definition_store.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_env.h"
#include "core/model/load.h"
#include "core/value/value.h"

/* The engine's environment, and what somebody brought for the run over it. */
struct own_env {
    const struct load_options *engine;
    const struct document *values;
};

static const char *read_env(void *user, struct str name)
{
    struct own_env *own = user;
    const char *value = run_env_value(own->values, name);
    if (value == NULL && own->engine->env != NULL) {
        value = own->engine->env(own->engine->user, name);
    }
    return value;
}

static int name_variant(const struct document *values, char out[DIGEST_HEX_SIZE])
{
    struct strbuf text = STRBUF_INIT;
    unsigned char bytes[DIGEST_BYTES];
    value_write_canonical(document_root(values), &text);
    int status = strbuf_status(&text);
    digest_sha256(strbuf_str(&text), bytes);
    digest_format_hex(bytes, sizeof(bytes), out);
    strbuf_finish(&text);
    return status;
}

int run_definition_find(struct loop *loop, const struct run_definition_wish *wish,
                        const struct pipeline **out_pipeline, struct error *err)
{
    char variant[DIGEST_HEX_SIZE] = "";
    struct own_env own = {.engine = loop->loading, .values = wish->env};
    struct load_options options = *loop->loading;
    options.catalogue = loop_catalogue(loop);
    options.env = read_env;
    options.user = &own;
    if (own.values != NULL && name_variant(own.values, variant) != 0) {
        return error_nomem(err);
    }
    const struct definition_wish stored = {.reader = loop->reader,
                                           .options = &options,
                                           .digest = wish->digest,
                                           .workflow = wish->workflow,
                                           .variant = str_from(variant)};
    int status = definition_store_find(&loop->definitions, &stored, out_pipeline, err);
    if (status == 0 && loop_check_pipeline(loop, *out_pipeline, err) != 0) {
        return LOOP_BLOCKED;
    }
    return status;
}
