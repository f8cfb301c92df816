/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node types `file.read`, `file.lines`, `file.write`, `file.list` and `file.glob`: files below
 * allowed folders. They block, so the host calls them on its job pool; `file.lines` goes there by
 * itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "actions.h"

void file_format_time(struct timespec time, char out[TIME_TEXT_BYTES])
{
    struct tm utc;
    char text[TIME_TEXT_BYTES - 8] = "";
    if (gmtime_r(&time.tv_sec, &utc) != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(out, TIME_TEXT_BYTES, "%s.%03uZ", text,
                   (unsigned)(time.tv_nsec / 1000000) % 1000);
}

static ops_status file_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                              ops_error *err)
{
    (void)plugin;
    (void)scope;
    struct ops_node *node = calloc(1, sizeof(*node));
    ops_status status = node != NULL ? roots_read(settings, node) : OPS_E_RESOURCE;
    if (status != OPS_OK) {
        if (node != NULL) {
            roots_finish(node);
        }
        free(node);
        return ops_error_fill(err, status, "out of memory");
    }
    *out = node;
    return OPS_OK;
}

static void file_destroy(ops_node *node)
{
    roots_finish(node);
    free(node);
}

#define FILE_TYPE(type_name, more_flags, execute_function)                                         \
    {                                                                                              \
        .size = sizeof(ops_node_type), .flags = OPS_NODE_PARALLEL | (more_flags),                  \
        .name = (type_name), .config_version = 1, .create = file_create,                           \
        .execute = (execute_function), .destroy = file_destroy                                     \
    }

static const ops_node_type read_type =
    FILE_TYPE("file.read", OPS_NODE_BLOCKING | OPS_NODE_IDEMPOTENT, file_read_execute);
static const ops_node_type lines_type =
    FILE_TYPE("file.lines", OPS_NODE_IDEMPOTENT, file_lines_execute);
static const ops_node_type write_type =
    FILE_TYPE("file.write", OPS_NODE_BLOCKING, file_write_execute);
static const ops_node_type list_type =
    FILE_TYPE("file.list", OPS_NODE_BLOCKING | OPS_NODE_IDEMPOTENT, file_list_execute);
static const ops_node_type glob_type =
    FILE_TYPE("file.glob", OPS_NODE_BLOCKING | OPS_NODE_IDEMPOTENT, file_glob_execute);
OPS_PLUGIN("file", "1.0.0", &read_type, &lines_type, &write_type, &list_type, &glob_type);
