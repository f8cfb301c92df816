/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_CONFIG_SET_H
#define CORE_CHECKER_CONFIG_SET_H

/*
 * Config set: the configs that a node type is tried with: those that its author gives, and some
 * made by its schema.
 *
 * Used by:  stage.
 * Uses:     config_maker, subject, host/manifest.h.
 * Threads:  [main]
 */

#include <stddef.h>
#include <stdint.h>

struct chance;
struct document;
struct error;
struct manifest_node;
struct subject;

enum { CONFIG_SET_MOST = 64 };

struct config_set {
    struct document *configs[CONFIG_SET_MOST]; /* owned */
    size_t count;
};

/*
 * At most `wanted` configs for `node`, those of the author first; all are different. Fails with
 * E_NOT_FOUND when none can be made (the message says why), E_INVALID when the author's are no
 * JSON, E_NOMEM, E_IO.
 */
int config_set_init(struct config_set *set, const struct subject *subject,
                    const struct manifest_node *node, size_t wanted, struct error *err);
/*
 * Those at the bounds of the schema: as small and as large as it allows. There may be none. Fails
 * with E_NOMEM, E_LIMIT.
 */
int config_set_init_bounds(struct config_set *set, const struct subject *subject,
                           const struct manifest_node *node, struct error *err);
void config_set_finish(struct config_set *set);

/*
 * Whether the files that the author gives are JSON, and of this plugin: its node types, its
 * settings. Fails with E_INVALID, E_NOMEM, E_IO.
 */
int config_set_look_at_given(const struct subject *subject, struct error *err);

/*
 * Settings for the plugin: the author's, or made by its schema, others each time. On success
 * `*out_settings` is owned. Fails as config_set_init().
 */
int config_set_settings(const struct subject *subject, struct chance *chance,
                        struct document **out_settings, struct error *err);

#endif
