/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MAILBOX_H
#define CORE_HOST_MAILBOX_H

/*
 * Mailbox: the way from any thread to the loop thread. Items run there in the order in which they
 * were posted, one after the other, never inside the call that posted them.
 *
 * Used by:  host.
 * Uses:     base; libuv.
 * Threads:  mailbox_post() [any], the rest [loop].
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct error;

/* Embedded in its owner, which it must not outlive; in one mailbox at a time. */
struct mailbox_item {
    struct mailbox_item *next;
    void (*run)(struct mailbox_item *item);
};

struct mailbox {
    pthread_mutex_t lock;
    struct mailbox_item *first;
    struct mailbox_item **last;
    uv_async_t wake;
    bool is_draining;
    void (*on_closed)(struct mailbox *mailbox);
};

/* On success the mailbox is open: mailbox_close(). Fails with E_IO. */
int mailbox_open(struct mailbox *mailbox, uv_loop_t *loop, struct error *err);

/* [any] Whether something waits. */
bool mailbox_has_items(struct mailbox *mailbox);

/* Runs all that waits, now. */
void mailbox_drain(struct mailbox *mailbox);

/* Nothing waits, and nothing may be posted any more. `on_closed` runs when the memory may be freed.
 */
void mailbox_close(struct mailbox *mailbox, void (*on_closed)(struct mailbox *mailbox));

/* [any] Has `item->run(item)` called on the loop thread. Never fails. */
void mailbox_post(struct mailbox *mailbox, struct mailbox_item *item);

#endif
