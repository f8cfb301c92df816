/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_CATALOGUE_H
#define CORE_MODEL_CATALOGUE_H

/*
 * Catalogue: the node types that exist, as the model sees them. The plugin host fills one from
 * manifests; tests make their own. The engine's own types are in engine_types.h.
 *
 * Used by:  model, host (fills it), cli.
 * Uses:     value.
 * Threads:  [loop]; node types never change once they are handed out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/quantity.h"
#include "core/base/str.h"

struct document;
struct error;
struct schema;

enum node_type_flags {
    NODE_TYPE_IDEMPOTENT = 1u << 0, /* safe to run again when the effect is unknown */
    NODE_TYPE_PURE = 1u << 1,       /* no side effects: its start needs no record */
    NODE_TYPE_PROCESSES = 1u << 2,  /* starts child processes: `limits` apply */
    NODE_TYPE_STREAMS = 1u << 3,    /* emits items */
    NODE_TYPE_CALLS = 1u << 4,      /* its plugin makes calls by the host (ops.http, ops.mail) */
    NODE_TYPE_CHECKS = 1u << 5,     /* its plugin can tell whether the service is there: check() */
    NODE_TYPE_SPENDS = 1u << 7,     /* its plugin says what its calls take (ops.budget) */
    NODE_TYPE_SET_ORIGIN = 1u << 6, /* the service's URL is in the plugin's settings */
    NODE_TYPE_NAMED_ORIGIN = 1u << 8, /* likewise, in what the config names: `origin_name` */
};

/* One node type. All of it lives as long as the catalogue. */
struct node_type {
    struct str name;                    /* "github.fetch_issues" */
    struct str plugin;                  /* "github"; empty for the engine's own */
    struct str summary;                 /* one line for people */
    struct str risk;                    /* "low", "medium", "high", "critical" */
    unsigned flags;                     /* NODE_TYPE_* */
    const struct schema *config_schema; /* never NULL */
    const struct schema *output_schema; /* NULL: not described */
    const struct str *ports;            /* outcomes besides success and error */
    size_t port_count;
    /* Of the config, of the settings (NODE_TYPE_SET_ORIGIN), or of one thing in them
     * (NODE_TYPE_NAMED_ORIGIN): the URL of the service; or empty. */
    struct str origin_key;
    struct str origin_default; /* the URL where there is no such member; or empty */
    /* NODE_TYPE_NAMED_ORIGIN: the config's member with the name, the settings' with all of them. */
    struct str origin_name;
    struct str origin_map;
    struct str ports_from;              /* JSON pointer with * into the config, or empty */
    const struct document *description; /* the manifest's entry, for `opstream nodes TYPE` */
};

/* What lists and nearest names need of a node type. */
struct node_type_line {
    struct str name;
    struct str plugin;
    struct str risk;
    struct str summary;
    struct str note; /* of its plugin: "not tried yet"; empty: nothing to say */
};

/* A plugin's settings as its manifest describes them. */
struct plugin_type {
    struct str id;
    struct str version;
    struct str path;                      /* the file */
    const struct schema *settings_schema; /* NULL: takes no settings */
    /* The `rate_limit` of its nodes where `integrations` says none; count 0: they have none. */
    struct quantity_rate rate_limit;
};

struct catalogue {
    void *user;
    /*
     * The type, borrowed. NULL: `err` says why; E_NOT_FOUND for a name nobody has, E_PLUGIN or
     * E_VERSION when a plugin claims it and cannot be used (needed, offered, whose).
     */
    const struct node_type *(*find_type)(void *user, struct str name, struct error *err);
    /* The plugin `id`, borrowed; NULL when it is not installed. */
    const struct plugin_type *(*find_plugin)(void *user, struct str id);
    /* The i-th type in order of name, NULL at the end. */
    const struct node_type *(*type_at)(void *user, size_t i);
    /* A line of it, borrowed, for which no manifest is read; false at the end. */
    bool (*line_at)(void *user, size_t i, struct node_type_line *out_line);
    /* The folders that were searched, ", " between them; borrowed. */
    struct str (*folders)(void *user);
};

#endif
