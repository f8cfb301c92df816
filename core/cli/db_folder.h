/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_DB_FOLDER_H
#define CORE_CLI_DB_FOLDER_H

/*
 * Db folder: what the verbs of 'db' share that work on the state folder's file.
 *
 * Used by:  cmd_db_*.
 * Uses:     command, state_folder.
 * Threads:  [main]
 */

struct builder;
struct command_args;
struct state_folder;

/*
 * Opens the folder of --state, which is there and belongs to whoever asks, lets `work` do the
 * command, closes it. Returns an enum exit_code.
 */
typedef int (*db_folder_cb)(const struct command_args *args, const struct state_folder *folder);
int db_folder_run(const struct command_args *args, db_folder_cb work);

/* Prints what `b` (taken) has made as one JSON document. Returns `code`, or EXIT_STATE. */
int db_folder_print_json(struct builder *b, int code);

#endif
