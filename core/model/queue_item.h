/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_QUEUE_ITEM_H
#define CORE_MODEL_QUEUE_ITEM_H

/*
 * Queue item: the pipeline that delivers a call later, which an open breaker kept away (`on_open:
 * queue`). It has the node alone, with its policies; its input is the config that the call had,
 * resolved. Values of secrets are not in it: a text of the config that names one is resolved again
 * when the call is made.
 *
 * Used by:  draft, edges, load, nodes, references, shapes.
 * Uses:     draft, group, template.
 * Threads:  [any]; while a definition is loaded, one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct draft;
struct node;
struct pipeline;
struct pipeline_group;
struct reading;
struct reading_view;
struct template;

/* Its calls go to the queue while its breaker is open. */
bool queue_item_is_for(const struct node *node);

/* A node whose calls are queued has one outcome more. Fails with E_NOMEM. */
int queue_item_add_outcome(struct draft *draft, uint32_t index);

/*
 * Reports nodes that ask for it and cannot have it, and makes what the others need. Fails with
 * E_NOMEM.
 */
int queue_item_check(struct draft *draft);

/*
 * The items of `pipeline`, which is in `group` as one of `file`, join it. `is_library` as for
 * group_join(). Fails with E_NOMEM.
 */
int queue_item_make(struct pipeline_group *group, const struct pipeline *pipeline, uint32_t file,
                    bool is_library);

/*
 * A field of the output of `node`, whose path goes on at `first` behind the node: reports one that
 * is not there when the call was queued, unless somebody asks. True: it is one that only the output
 * of a queued call is sure to have.
 */
bool queue_item_check_read(const struct reading *reading, const struct reading_view *view,
                           uint32_t node, size_t first);

/* ---- queue_item_config.c, for queue_item.c ---- */

/*
 * The config of an item as a template over its input, from that of the node. `*out` (owned) stays
 * when `*out_why` says why there can be none. Fails with E_NOMEM.
 */
int queue_item_config(const struct template *config, struct template **out, const char **out_why);

/* Nothing is read in it but secrets and constants: another run resolves it alike. */
bool queue_item_is_free(const struct template *settings);

#endif
