/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLUGIN_TEXT_H
#define CORE_CLI_PLUGIN_TEXT_H

/*
 * Plugin text: what is known of a plugin's file, as JSON, and which one somebody means.
 *
 * Used by:  cmd_plugin_list, cmd_plugin_inspect, cmd_plugin_retry.
 * Uses:     host, model/catalogue.h, value.
 * Threads:  [main]
 */

#include <stddef.h>

struct builder;
struct catalogue;
struct error;
struct host;
struct host_plugin_file;
struct strbuf;

/* The first lines of a stack that are shown where there is not much room. */
enum { PLUGIN_TEXT_STACK_LINES = 3 };

/* How many node types the manifest has; 0 when it cannot be read. */
size_t plugin_text_node_count(const struct host_plugin_file *file);

/*
 * Why the i-th node type of a file that can be used cannot be used all the same: another plugin has
 * it, too. 0: it can; E_PLUGIN: `err` names both files.
 */
int plugin_text_check_type(const struct catalogue *catalogue, const struct host_plugin_file *file,
                           size_t i, struct error *err);

/*
 * Adds a map {id, version, folder, path, usable, problem, node_types, conflicts, trial,
 * manifest}; what is not known is null. `conflicts` has why single node types cannot be used.
 */
void plugin_text_build(struct builder *b, const struct host_plugin_file *file,
                       const struct catalogue *catalogue);

/*
 * What came of trying a file that is not trusted, besides its problem, as lines that begin with
 * `indent`; nothing for one that is trusted. Of a stack `most` lines.
 */
void plugin_text_append_trial(const struct host_plugin_file *file, const char *indent, size_t most,
                              struct strbuf *out);

/*
 * The file of a plugin folder with that id or path, or any other file, whose path needs a '/'.
 * NULL: there is none, and that has been said.
 */
const struct host_plugin_file *plugin_text_take(struct host *host, const char *wanted);

/* Appends what `b` (taken) has built. EXIT_DONE; EXIT_STATE after a line on stderr. */
int plugin_text_append_json(struct builder *b, struct strbuf *out);

#endif
