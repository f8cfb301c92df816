/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_H
#define CORE_API_CONTROL_H

/*
 * Control: every request to the engine and its answer, whoever carries them: the control socket,
 * or a command that is the engine itself for a moment. What only reads is answered from the
 * journal by a thread of its own; what changes something is answered once the change is durable.
 *
 * Used by:  control_socket, cli.
 * Uses:     routes, loop, model (bundles).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/api/query.h"
#include "core/base/str.h"

struct answer;
struct api_numbers;
struct control;
struct error;
struct load_options;
struct loop;

struct control_options {
    struct loop *loop;                  /* which keeps a state */
    const char *folder;                 /* that it keeps it in */
    const struct load_options *loading; /* of definitions that clients bring */
    const char *version;                /* of the program; static */
    /*
     * The bundle of the library's pipeline `id`, appended to `out`; NULL: there is no library.
     * E_NOT_FOUND, E_INVALID (`err` says what is wrong with it), E_NOMEM.
     */
    int (*find_workflow)(void *user, struct str id, struct strbuf *out, struct error *err);
    void *user;
};

/* Everything in the options is kept. Owned: control_destroy(). Fails with E_NOMEM, E_IO. */
int control_create(const struct control_options *options, struct control **out_control,
                   struct error *err);
/* Who carries the requests adds what is known of clients whenever numbers are asked for; NULL:
 * nobody does any more. `user` is kept. */
typedef void (*control_count_cb)(void *user, struct api_numbers *numbers);
void control_count_clients(struct control *control, control_count_cb cb, void *user);

/* From here on nothing is changed: 503 `stopped`. */
void control_stop(struct control *control);
/* Reads that are not answered yet are answered with NULL; nothing else may be unanswered. NULL is
 * fine. */
void control_destroy(struct control *control);

/* All borrowed for the call. */
struct control_question {
    struct str method;
    struct str path; /* decoded, without the query */
    struct query query;
    struct str body; /* JSON; empty: none */
    struct str key;  /* the header Idempotency-Key; empty: none */
    struct str who;  /* for the audit trail: "uid 1000" */
};

/* The answer is borrowed for the call; NULL: out of memory. Once, maybe from inside. */
typedef void (*control_reply_cb)(void *user, const struct answer *answer);
void control_handle(struct control *control, const struct control_question *request,
                    control_reply_cb cb, void *user);

/* How many requests are not answered yet. */
uint32_t control_waiting(const struct control *control);

#endif
