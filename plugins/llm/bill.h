/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_BILL_H
#define PLUGINS_LLM_BILL_H

/*
 * Bill: what one call of a model may take, asked of the run's budget before it, and what it took,
 * told to the run after it.
 *
 *     bill_reserve() -> (granted) -> the call -> bill_settle(), bill_void() or bill_lose()
 *
 * How many tokens a question has nobody knows before: half of its bytes is an estimate, well above
 * prose and code in the usual languages (a quarter to a third). Random letters and digits (keys,
 * base64) have up to seven tenths, and no text has more than its bytes; so a question can take up
 * to twice its estimate, and what the service adds by itself. A bound that holds always would
 * refuse most calls for nothing. An answer has no more than it was allowed.
 *
 * Used by:  chat, embed.
 * Uses:     instance.h, price.h, reply.h, sdk.h.
 * Threads:  [strand]
 */

#include "instance.h"
#include "opstream/sdk.h"
#include "reply.h"

struct bill;

enum bill_answer {
    BILL_GRANTED, /* make the call */
    BILL_CHEAPER, /* the budget wants `model` asked (kept by the task): reserve again for that */
    BILL_ENDED,   /* there is no budget left, and the task has ended */
};
typedef void (*bill_answer_cb)(void *user, enum bill_answer answer, ops_str model);

/* All zero is the beginning. In the task's memory. */
struct bill {
    const ops_node *node;
    ops_task task;
    bill_answer_cb on_answer;
    void *user;
    uint64_t reservation;
    int is_open;  /* granted, and nothing has been told of it */
    int is_final; /* no other model may be asked instead of this */
};

/* The most that a call takes. */
struct bill_wish {
    ops_str model;
    uint64_t bytes;  /* of the question */
    uint64_t images; /* URLs of images in it, whose bytes do not count */
    int64_t output_tokens;
};

/* `on_answer` comes once, later or at once. */
void bill_reserve(struct bill *bill, const struct bill_wish *wish, bill_answer_cb on_answer,
                  void *user);

/* Each once, and nothing when nothing is open: what it took; nothing was called; who knows. */
void bill_settle(struct bill *bill, ops_str model, const struct usage *usage);
void bill_void(struct bill *bill);
void bill_lose(struct bill *bill);

#endif
