/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MANIFEST_H
#define CORE_HOST_MANIFEST_H

/*
 * Manifest: what a plugin says about itself, read from its file without running its code.
 *
 * Used by:  host.
 * Uses:     value; model/catalogue.h.
 * Threads:  [loop]; a manifest never changes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/model/catalogue.h"

struct document;
struct error;
struct schema;
struct manifest;

enum { MANIFEST_NODE_MAGIC = 0x4F504805, MANIFEST_MAX_BYTES = 4 * 1024 * 1024 };

/* One entry of `nodes`. */
struct manifest_node {
    uint32_t magic;
    uint32_t config_version;
    struct node_type type;
    const struct manifest *manifest;
};

/* One entry of `interfaces`. */
struct manifest_interface {
    struct str id;
    uint32_t version;
    bool is_required;
};

struct manifest {
    struct document *document;
    struct arena arena;
    struct str path; /* of the file */
    uint64_t crc;    /* CRC-64/XZ of the text */
    uint32_t epoch;
    uint32_t minor_needed;
    bool needs_process;        /* must not run inside the orchestrator */
    struct plugin_type plugin; /* id, version, path, settings' schema */
    struct manifest_interface *interfaces;
    size_t interface_count;
    struct manifest_node *nodes;
    size_t node_count;
    char at[512]; /* while it is read: the JSON pointer to what is looked at */
};

/* What a manifest must look like, for all that are read. `*out_form` is owned: schema_destroy(). */
int manifest_form_create(struct schema **out_form, struct error *err);

/* All borrowed for the call. */
struct manifest_source {
    struct str path; /* of the file */
    struct str text; /* JSON */
    uint64_t crc;    /* CRC-64/XZ of the text */
    const struct schema *form;
};

/*
 * Reads a manifest and checks it against `form`; compiles all schemas in it. On success
 * `*out_manifest` is owned: manifest_destroy(). Fails with E_INVALID (all that is wrong, "; "
 * between, and where it stands in the text), E_LIMIT, E_NOMEM.
 */
int manifest_read(const struct manifest_source *source, struct manifest **out_manifest,
                  struct error *err);
void manifest_destroy(struct manifest *manifest);

/* The node type that `type` (of any manifest) is part of. */
const struct manifest_node *manifest_node_of(const struct node_type *type);

/* The node type `name`, or NULL. */
const struct manifest_node *manifest_find_node(const struct manifest *manifest, struct str name);

/* The interface `id` as the manifest asks for it, or NULL. */
const struct manifest_interface *manifest_find_interface(const struct manifest *manifest,
                                                         struct str id);

/* Whether the manifest asks for the capability ("exec"). */
bool manifest_has_capability(const struct manifest *manifest, struct str name);

#endif
