/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_GROUP_H
#define CORE_MODEL_GROUP_H

/*
 * Group: the pipelines that were loaded together. They may call each other, in circles too, so
 * they live and end as one: their references are counted together.
 *
 * Used by:  model.
 * Uses:     storage.
 * Threads:  [any]; while it is filled, one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct pipeline;
struct pipeline_group;
struct pipeline_storage;

/* Empty, with one reference; NULL when out of memory. Owned: group_unref(). */
struct pipeline_group *group_create(void);

void group_ref(struct pipeline_group *group);
/* With the last reference all its pipelines end. NULL is fine. */
void group_unref(struct pipeline_group *group);

/*
 * Moves `pipeline` (taken; in no group yet) into the group, which keeps it alive. `file` tells
 * the files of the group apart: 0 is the one that was asked for; `is_library`: the others find
 * it by its id. A second one of an id stays unfound. Fails with E_NOMEM.
 */
int group_join(struct pipeline_group *group, struct pipeline *pipeline, uint32_t file,
               bool is_library);

/*
 * Gives the next file of the group its number, from 0 on, with the name that messages have (it is
 * copied). Fails with E_NOMEM.
 */
int group_add_file(struct pipeline_group *group, struct str name);
struct str group_file(const struct pipeline_group *group, uint32_t file);

/* The pipeline `id` as those of `file` see it: of the file itself, else of the library. */
const struct pipeline *group_find(const struct pipeline_group *group, uint32_t file, struct str id);

/* The i-th of all, in the order in which they joined; NULL at the end. */
const struct pipeline *group_at(const struct pipeline_group *group, size_t i);

#endif
