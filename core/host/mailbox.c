/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/mailbox.h"

#include "core/base/check.h"
#include "core/base/error.h"

/* After so many items the loop gets its turn, so that descriptors and timers are served. */
enum { DRAIN_MAX = 1024 };

static struct mailbox_item *mailbox_take(struct mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    struct mailbox_item *item = mailbox->first;
    if (item != NULL) {
        mailbox->first = item->next;
        if (mailbox->first == NULL) {
            mailbox->last = &mailbox->first;
        }
    } else {
        mailbox->is_draining = false;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
    return item;
}

static void on_wake(uv_async_t *wake)
{
    struct mailbox *mailbox = wake->data;
    (void)pthread_mutex_lock(&mailbox->lock);
    mailbox->is_draining = true;
    (void)pthread_mutex_unlock(&mailbox->lock);
    for (int i = 0; i < DRAIN_MAX; i++) {
        struct mailbox_item *item = mailbox_take(mailbox);
        if (item == NULL) {
            return;
        }
        item->run(item);
    }
    CHECK(uv_async_send(&mailbox->wake) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = handle->data;
    (void)pthread_mutex_destroy(&mailbox->lock);
    mailbox->on_closed(mailbox);
}

int mailbox_open(struct mailbox *mailbox, uv_loop_t *loop, struct error *err)
{
    *mailbox = (struct mailbox){.first = NULL};
    mailbox->last = &mailbox->first;
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0) {
        return error_nomem(err);
    }

    int result = uv_async_init(loop, &mailbox->wake, on_wake);
    if (result != 0) {
        (void)pthread_mutex_destroy(&mailbox->lock);
        return error_set(err, E_IO, "cannot wake the loop: %s", uv_strerror(result));
    }
    mailbox->wake.data = mailbox;
    return 0;
}

bool mailbox_has_items(struct mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    bool has_items = mailbox->first != NULL;
    (void)pthread_mutex_unlock(&mailbox->lock);
    return has_items;
}

void mailbox_drain(struct mailbox *mailbox)
{
    for (struct mailbox_item *item = mailbox_take(mailbox); item != NULL;
         item = mailbox_take(mailbox)) {
        item->run(item);
    }
}

void mailbox_close(struct mailbox *mailbox, void (*closed)(struct mailbox *mailbox))
{
    CHECK(mailbox->first == NULL);
    mailbox->on_closed = closed;
    uv_close((uv_handle_t *)&mailbox->wake, on_closed);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_item *item)
{
    item->next = NULL;
    (void)pthread_mutex_lock(&mailbox->lock);
    bool needs_wake = mailbox->first == NULL && !mailbox->is_draining;
    *mailbox->last = item;
    mailbox->last = &item->next;
    (void)pthread_mutex_unlock(&mailbox->lock);
    if (needs_wake) {
        CHECK(uv_async_send(&mailbox->wake) == 0);
    }
}
