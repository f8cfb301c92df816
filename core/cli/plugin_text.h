/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLUGIN_TEXT_H
#define CORE_CLI_PLUGIN_TEXT_H

/*
 * Plugin text: what is known of a plugin's file, as JSON.
 *
 * Used by:  cmd_plugin_list, cmd_plugin_inspect.
 * Uses:     host, value.
 * Threads:  [main]
 */

struct builder;
struct host_plugin_file;
struct strbuf;

/* Adds a map {id, version, path, problem, manifest}; what is not known is null. */
void plugin_text_build(struct builder *b, const struct host_plugin_file *file);

/* Appends what `b` (taken) has built. EXIT_DONE; EXIT_STATE after a line on stderr. */
int plugin_text_append_json(struct builder *b, struct strbuf *out);

#endif
