/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_COMMANDS_H
#define CORE_CLI_COMMANDS_H

/*
 * The commands, one file each: cmd_NAME.c, and their verbs: cmd_NAME_VERB.c.
 *
 * Used by:  main.
 * Uses:     command.h.
 * Threads:  [main]
 */

#include "core/cli/command.h"

extern const struct command cmd_run;
extern const struct command cmd_start;
extern const struct command cmd_serve;
extern const struct command cmd_list;
extern const struct command cmd_status;
extern const struct command cmd_logs;
extern const struct command cmd_history;
extern const struct command cmd_cancel;
extern const struct command cmd_pause;
extern const struct command cmd_resume;
extern const struct command cmd_retry;
extern const struct command cmd_send;
extern const struct command cmd_resolve;
extern const struct command cmd_validate;
extern const struct command cmd_plan;
extern const struct command cmd_graph;
extern const struct command cmd_nodes;
extern const struct command cmd_schema;
extern const struct command cmd_plugin;
extern const struct command cmd_plugin_check;
extern const struct command cmd_plugin_inspect;
extern const struct command cmd_plugin_list;
extern const struct command cmd_plugin_run;
extern const struct command cmd_plugin_new;
extern const struct command cmd_plugin_retry;
extern const struct command cmd_breakers;
extern const struct command cmd_breakers_close;
extern const struct command cmd_breakers_disable;
extern const struct command cmd_breakers_open;
extern const struct command cmd_breakers_reset;
extern const struct command cmd_limits;
extern const struct command cmd_limits_reset;
extern const struct command cmd_secrets;
extern const struct command cmd_secrets_list;
extern const struct command cmd_secrets_rm;
extern const struct command cmd_secrets_rotate;
extern const struct command cmd_secrets_set;
extern const struct command cmd_dlq;
extern const struct command cmd_dlq_drop;
extern const struct command cmd_dlq_list;
extern const struct command cmd_dlq_requeue;
extern const struct command cmd_dlq_show;
extern const struct command cmd_dlq_skip;
extern const struct command cmd_queue;
extern const struct command cmd_queue_list;
extern const struct command cmd_queue_run;
extern const struct command cmd_db;
extern const struct command cmd_db_backup;
extern const struct command cmd_db_check;
extern const struct command cmd_db_path;
extern const struct command cmd_db_vacuum;
extern const struct command cmd_completion;
extern const struct command cmd_completion_bash;
extern const struct command cmd_completion_words;
extern const struct command cmd_completion_zsh;
extern const struct command cmd_version;
extern const struct command cmd_help;

#endif
