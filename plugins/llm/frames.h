/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_FRAMES_H
#define PLUGINS_LLM_FRAMES_H

/*
 * Frames: cuts a stream into its messages, wherever the network has cut it: server-sent events
 * (the data of each), or lines that are JSON each.
 *
 * A stream of events is read as the standard of HTML has it: lines end with LF, CR or CRLF, a line
 * of a colon is a remark, lines of data are joined by LF, and an empty line ends the event. Names,
 * ids and waits of events are not needed: what a message is stands in its data.
 *
 * Used by:  chat.
 * Uses:     text.h.
 * Threads:  [strand]
 */

#include "opstream/abi.h"
#include "service/text.h"

enum frames_kind { FRAMES_EVENTS, FRAMES_LINES };

enum { FRAMES_MAX_BYTES = 4 * 1024 * 1024 }; /* of one message */

/* All zero but `kind` is the beginning. */
struct frames {
    enum frames_kind kind;
    struct text line;
    struct text data; /* of the event that is being read */
    int has_data;
    int skips_lf; /* the line ended with CR: an LF that comes now belongs to it */
    int is_begun; /* the first line is over: no mark of byte order comes any more */
    int has_failed;
};

/* `data` is borrowed. */
typedef void (*frames_cb)(void *user, ops_str data);

/* 0: a message is too large, or memory ran out; the stream is of no use any more. */
int frames_feed(struct frames *frames, ops_str bytes, frames_cb cb, void *user);

/* The stream is over: what has begun is a message, if it is one. */
void frames_end(struct frames *frames, frames_cb cb, void *user);

void frames_finish(struct frames *frames);

#endif
