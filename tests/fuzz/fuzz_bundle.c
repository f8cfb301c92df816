/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a bundle from a journal. Whatever they are, reading and loading them ends, and what is
 * refused has a message.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/model/bundle.h"
#include "core/model/load.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/model/node_types.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static const char *env(void *user, struct str name)
{
    (void)user;
    return name.n % 2 == 0 ? "value" : NULL;
}

static void load(const struct bundle *bundle, const struct node_types *types)
{
    struct load_options options = {
        .catalogue = &types->catalogue, .engine_types = types->engine_types, .env = env};
    struct definitions *definitions = NULL;
    struct error err = {0};
    int status = bundle_load(bundle, &options, &definitions, &err);
    expect((status == 0) == (definitions != NULL), "what loads gives definitions");
    expect(status == 0 || err.message[0] != '\0', "a failure has a message");
    definitions_destroy(definitions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct node_types types;
    struct bundle *bundle = NULL;
    struct error err = {0};
    if (types.engine_types == NULL) {
        node_types_init(&types);
    }
    int status = bundle_read(str_make((const char *)data, size), &bundle, &err);
    expect((status == 0) == (bundle != NULL), "what is right gives a bundle");
    expect(status == 0 || err.message[0] != '\0', "a refusal has a message");
    if (bundle != NULL) {
        size_t count = 0;
        while (bundle_env_at(bundle, count).n > 0) {
            count++;
        }
        expect(count < size, "there are no more names than bytes");
        load(bundle, &types);
    }
    bundle_destroy(bundle);
    return 0;
}
