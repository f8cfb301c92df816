/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_COMPLETION_H
#define CORE_CLI_COMPLETION_H

/*
 * Completion: what may stand in place of the last word of a command line, by the tables of the
 * commands: commands, verbs, options, and values as completion_values.h knows them. The scripts of
 * the shells ask the program itself, so that what they offer is what that program takes.
 *
 * Used by:  cmd_completion_*.
 * Uses:     command, completion_values.
 * Threads:  [main]
 */

#include <stddef.h>

struct strbuf;

/*
 * Appends a line for each word, whether it begins as the last one or not: the word, a tab, what it
 * is. A line ":files" or ":folders" stands for names of such. `words` are those behind the program,
 * the last one is what is there of the word that is completed ("" for none); there is one.
 */
void completion_append(const char *const *words, size_t count, struct strbuf *out);

/* The scripts, to be read by their shells. */
extern const char completion_script_bash[];
extern const char completion_script_zsh[];

#endif
