/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_STATUS_FOLLOW_H
#define CORE_CLI_STATUS_FOLLOW_H

/*
 * Status, followed: a run of another process, shown as `opstream run` shows its own, from its first
 * record on until it ends. Who looks changes nothing: Ctrl-C ends the looking.
 *
 * Used by:  cmd_start, cmd_status.
 * Uses:     engine_command, engine_launch, run_watch.
 * Threads:  [main]
 */

struct command_args;
struct document;
struct engine_launch;
struct engine_session;

/*
 * `job` is the run, which has not ended. When no engine is at work, `launch` (borrowed) starts one;
 * NULL: one is waited for. Returns the exit code of the run's outcome, EXIT_LEFT and the number of
 * the signal that has ended the looking, or another enum exit_code after a line on stderr.
 */
int status_follow(struct engine_session *session, const struct command_args *args,
                  const struct document *job, const struct engine_launch *launch);

#endif
