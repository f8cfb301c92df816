/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_INPUT_H
#define CORE_CLI_RUN_INPUT_H

/*
 * Run input: from `--input FILE` and `-i KEY=VALUE` to a document that the pipeline's schema
 * accepts, with its defaults filled in.
 *
 * Used by:  start_request, node_request, cmd_retry.
 * Uses:     value, model.
 * Threads:  [main]
 */

struct command_args;
struct document;
struct pipeline;

/*
 * Reads the input that `args` give. A value is read as the type that the schema gives its key:
 * text as it stands, others as JSON; without a type (or with several) it is JSON if it can be read
 * as such and that is allowed, else text. Keys of -i win over those of --input.
 * Returns EXIT_DONE and an owned `*out_input`; EXIT_USAGE after lines on stderr that say all that
 * is wrong; EXIT_STATE without memory.
 */
int run_input_read(const struct command_args *args, const struct pipeline *pipeline,
                   struct document **out_input);

/* As run_input_read(), of `--input FILE` alone, with no schema; without it an empty map. */
int run_input_read_file(const struct command_args *args, struct document **out_input);

#endif
