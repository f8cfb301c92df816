/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_NOTE_H
#define PLUGINS_SLACK_NOTE_H

/*
 * Note: what one attempt of a step leaves for the next one, and one step of a run for the others;
 * by ops.kv. One operation at a time.
 *
 * Used by:  post, upload.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

/* How long they are kept. */
#define NOTE_MS ((uint64_t)30 * 24 * 3600 * 1000)

/* `value` is what stands there; empty: nothing does. Borrowed. */
typedef void (*note_cb)(struct service_call *call, ops_status status, ops_str value);

/* In the task's memory. */
struct note {
    struct service_call *call;
    note_cb done;
    char key[OPS_KV_KEY_BYTES];
};

/* Sets the key: the parts with "/" between; what is too long is told by the operations. */
void note_set_key(struct note *note, const char *kind, ops_str first, ops_str second,
                  ops_str third);

/* NOT_FOUND is OK without a value. */
void note_get(struct note *note, note_cb done);
/* With `is_first` only where nothing stands: else CONFLICT, with what does. */
void note_put(struct note *note, ops_str value, int is_first, note_cb done);
void note_remove(struct note *note, note_cb done);

#endif
