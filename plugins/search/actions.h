/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_ACTIONS_H
#define PLUGINS_SEARCH_ACTIONS_H

/*
 * What the node types do once there is a connection. Each gives 1 and the output, or 0 and the
 * index's fault.
 */

#include "index.h"

#define DEFAULT_COLLECTION "default"

enum { DATA_BYTES_MAX = 1024 * 1024 };

/* search.index: the one document of the config, or its `documents`; all or none. */
int put_documents(struct index *index, ops_task task, ops_val config, ops_val *out);

/* search.delete */
int put_deletion(struct index *index, ops_task task, ops_val config, ops_val *out);

/* search.query */
int find_documents(struct index *index, ops_task task, ops_val config, ops_val *out);

#endif
