/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_SLACK_SHARE_H
#define PLUGINS_MESSAGE_SLACK_SHARE_H

/*
 * Slack share: files for Slack, in the steps that it asks for:
 *
 *     slack_share_upload()  an address is given, and the bytes go there (without the token: it is
 *                           another service); nobody sees them
 *     slack_share_show()    the files are put where they belong
 *     slack_share_find()    whether that was done, for a later attempt that has noted the id
 *
 * Used by:  plugins that write to Slack; through slack_talk.h.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

enum { SLACK_FILE_ID_BYTES = 64 };

/* Borrowed until it is over. */
struct slack_file {
    ops_str name;
    ops_str title;        /* empty: the name */
    ops_str alt_text;     /* may be empty */
    ops_str snippet_type; /* may be empty */
    ops_str bytes;        /* not empty: Slack takes no empty files */
    char id[SLACK_FILE_ID_BYTES];
};

/* `problem` is NULL when it went well; else it lives as long as the task. */
typedef void (*slack_share_cb)(struct service_call *call, const struct problem *problem);

struct slack_share {
    struct slack_file *files; /* to be set, and kept until all is over */
    size_t n;                 /* to be set */
    size_t at;                /* the one that is uploaded */
    slack_share_cb done;
    ops_val title;     /* after showing: of the first file, as Slack has it; 0: it says none */
    int is_shown;      /* after finding */
    int is_unknowable; /* after finding, with a problem: the token may not ask */
};

/* Uploads all files, one after the other: each then has its id. */
void slack_share_upload(struct service_call *call, slack_share_cb done);

/* Shows all of them in `channel`, an id; `thread_ts` and `comment` may be empty. */
void slack_share_show(struct service_call *call, ops_str channel, ops_str thread_ts,
                      ops_str comment, slack_share_cb done);

/* Asks whether the file `id` was shown. */
void slack_share_find(struct service_call *call, ops_str id, slack_share_cb done);

#endif
