/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_NODE_REQUEST_H
#define CORE_CLI_NODE_REQUEST_H

/*
 * Node request: one node type of one plugin file as a pipeline of one node, so that a config can be
 * tried without a workflow. What is wrong with the config is said at its place in its own file.
 *
 * Used by:  cmd_plugin_run.
 * Uses:     start_request, workspace, host.
 * Threads:  [main]
 */

struct command_args;
struct start_request;

/* The rows of command_option that node_request_prepare() reads, with those of workspace. */
#define NODE_OPTIONS                                                                               \
    {"node", 0, "TYPE", "which node type, where the file has several", false},                     \
        {"config", 0, "FILE", "the config of the node, JSON or YAML", false},                      \
        {"settings", 0, "FILE", "the plugin's settings, as under 'integrations'", false},          \
        {"set", 'i', "KEY=VALUE", "set one key of the input (may be repeated)", true},             \
        {"input", 0, "FILE", "read the input from FILE, JSON or YAML ('-': stdin)", false},        \
    {                                                                                              \
        "site-config", 0, "FILE", "settings, instead of " SITE_CONFIG_FILE, false                  \
    }

/*
 * As start_request_prepare(): the first operand is the plugin's file. Ends in every case with
 * start_request_finish().
 */
int node_request_prepare(struct start_request *request, const struct command_args *args);

#endif
