/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_MESSAGES_H
#define PLUGINS_LLM_MESSAGES_H

/*
 * Messages: the parts of a request that OpenAI's API and those made like it have in common: a list
 * "messages" with the system's in front, and a list "tools" of functions.
 *
 * Used by:  openai, ollama.
 * Uses:     body, question.
 * Threads:  [strand]
 */

struct body;
struct message;
struct question;

/* Writes them all, each by `write`. */
void messages_write(struct body *body, const struct question *question,
                    void (*write)(struct body *body, const struct message *message));

/* Writes the question's tools; nothing where it has none. */
void messages_write_tools(struct body *body, const struct question *question);

#endif
