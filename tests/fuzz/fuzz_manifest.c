/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a manifest. What is accepted must have an id, and for each node type of this epoch a
 * name of its own, schemas and a description; what is refused must say why.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/host/manifest.h"
#include "core/host/version.h"
#include "opstream/abi.h"
#include "tests/fuzz/fuzz.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void check_node(const struct manifest *manifest, const struct manifest_node *node)
{
    expect(manifest_node_of(&node->type) == node, "a type leads back to its node");
    expect(manifest_find_node(manifest, node->type.name) == node, "names are there once");
    expect(node->type.config_schema != NULL, "a type has a schema for its config");
    expect(node->type.description != NULL, "a type has a description");
    expect(str_starts_with(node->type.name, manifest->plugin.id), "a type is the plugin's");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest *manifest = NULL;
    struct error err = {0};
    static struct schema *form; /* lives as long as the fuzzer */
    if (form == NULL) {
        expect(manifest_form_create(&form, &err) == 0, "the schema of manifests compiles");
    }
    struct manifest_source source = {
        .path = STR("/x/a.so"), .text = {(const char *)data, size}, .crc = 1, .form = form};
    if (manifest_read(&source, &manifest, &err) != 0) {
        expect(err.code < 0 && err.message[0] != '\0', "a refusal says why");
        return 0;
    }

    bool is_ours = manifest->epoch == OPS_ABI_EPOCH && manifest->minor_needed <= OPS_ABI_MINOR;
    for (size_t i = 0; is_ours && i < manifest->node_count; i++) {
        check_node(manifest, &manifest->nodes[i]);
    }
    expect(is_ours || version_check(manifest, &err) != 0, "another epoch is refused");
    expect(!is_ours || manifest->plugin.id.n > 0, "a plugin has an id");
    manifest_destroy(manifest);
    return 0;
}
