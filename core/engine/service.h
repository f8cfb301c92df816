/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SERVICE_H
#define CORE_ENGINE_SERVICE_H

/*
 * Service: what a node calls, as the policies that runs share name it: "http
 * https://api.example.com:443". Which field of a config, or of the plugin's settings, has the URL
 * says the schema (x-ops-origin).
 *
 * Used by:  decide, dispatch, engine.
 * Uses:     model, value.
 * Threads:  [any]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct breaker_settings;
struct document;
struct node;
struct node_type;
struct rate_settings;
struct strbuf;

/* Nodes of this type call what a URL in their config, or in their plugin's settings, names. */
bool service_has_origin(const struct node *node);
/* It is in the settings. */
bool service_is_set(const struct node *node);
/* It is in what of the settings the config names. */
bool service_is_named(const struct node *node);
/*
 * What of `settings` the config of a node of this type names: {} where there is no such thing,
 * which the node says when it starts. Owned: document_unref(). Fails with E_NOMEM.
 */
int service_find_named(const struct node_type *type, const struct document *settings,
                       const struct document *config, struct document **out_named);

/*
 * Appends the name of the service that `node` calls: the plugin, and, of `resolved`, which is its
 * config or, where service_is_set(), the plugin's settings or, where service_is_named(), what
 * service_find_named() gives, the origin of the URL with its port
 * (RFC 6454; a scheme without a well-known one has what the URL says), and the names of the secrets
 * that its config reads. Without a URL that has an origin there is none. See strbuf_status().
 */
void service_append(const struct node *node, const struct document *resolved, struct strbuf *out);

/* Appends the origin alone of what service_append() takes. Nothing: there is none. */
void service_append_origin_of(const struct node_type *type, const struct document *resolved,
                              struct strbuf *out);

/* The same for a call of `url`, which one of its tasks makes. */
void service_append_url(const struct node *node, struct str url, struct strbuf *out);

/* Appends the origin of `url` alone: "https://api.example.com:443". Nothing: it has none. */
void service_append_origin(struct str url, struct strbuf *out);

/*
 * The same for the URL in the config of `node`, as far as it is the same in every run: a text, or
 * one whose expressions come behind the origin ("https://api.example.com/{{ input.path }}").
 * Nothing where service_is_set().
 */
void service_append_fixed_origin(const struct node *node, struct strbuf *out);

/* " 5000/hour", with its burst where that is not the default's: such rates have limiters of their
 * own. */
void service_append_rate(const struct rate_settings *settings, struct strbuf *out);

/* Whether `key` is that of the service, with a rate or a resource behind it. */
bool service_is_rate(struct str service, struct str key);

/* " /search": what a service counts by itself has a limiter of its own; see resource.h. */
void service_append_resource(struct str name, struct strbuf *out);
/* The name in such a key, borrowed from it; empty: there is none. And the service before it. */
struct str service_resource(struct str key);
struct str service_of_resource(struct str key);

/* The path of `url`, as a number that is the same while the process lives; never 0. */
uint64_t service_operation(struct str url);

/* The same in each process: str_hash() is not. */
uint64_t service_hash(struct str text);

/* Of settings that are not the default's: a mark by which their breakers are told apart. */
void service_append_settings(const struct breaker_settings *settings, struct strbuf *out);

/* The service in the key of a breaker: without the mark of its settings. Borrowed from `key`. */
struct str service_of_breaker(struct str key);
/* Whether `key` is that of a breaker of `service`; one with a mark is itself alone. */
bool service_is_breaker(struct str service, struct str key);

#endif
