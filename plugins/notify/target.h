/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_TARGET_H
#define PLUGINS_NOTIFY_TARGET_H

/*
 * Target: where a message goes, and its channel, which knows how it looks there. One more channel:
 * a file with its `struct channel`, a row in target.c, its place in the manifest.
 *
 * Used by:  notify, delivery.
 * Uses:     note.h.
 * Threads:  [strand]
 */

#include "note.h"

enum {
    TARGETS_MAX = 20,
    TARGET_NAME_BYTES = 128,
    TARGET_ID_BYTES = 128,
    TARGET_PLACE_BYTES = 32,
};
enum { CHANNEL_HEADERS = 16, CHANNEL_WORD_BYTES = 128 };

/* What goes out by HTTP, as a POST. */
struct channel_request {
    ops_val url;  /* of the settings, or of the task; not to be read where it is a secret */
    ops_str body; /* lives as long as the task, or is of `form` */
    struct text form;
    ops_str type;                   /* of the body; empty: JSON */
    ops_str names[CHANNEL_HEADERS]; /* besides Content-Type */
    ops_val values[CHANNEL_HEADERS];
    uint64_t n_headers;
    /* Not 0: it goes out with a signature, and `form` is not used; by the channel's sign(). */
    ops_val signing_key;
    int64_t made_at; /* seconds since 1970; signed, too */
};

/* Adds a header with a text of the task. */
ops_status channel_add_header(ops_task task, struct channel_request *request, ops_str name,
                              ops_str value);

struct delivery;

struct channel {
    const char *name; /* of the member of a target: "discord" */
    const char *word; /* for people: "Discord" */
    /* Its own way instead of what follows: ends with delivery_succeed() or delivery_fail(); `noted`
     * is what an earlier attempt has noted, "begun SECONDS" or its own; empty: none has. NULL:
     * none.
     */
    void (*send)(struct delivery *delivery, ops_str noted);
    /* Makes the request; `settings` are the target's. NULL: it goes by e-mail (email.h). */
    ops_status (*build)(const struct note *note, ops_val settings, struct channel_request *out);
    /* Where build() may set a key: signs what was built, and puts the signature into a header. */
    ops_status (*sign)(ops_task task, const struct channel_request *request, ops_sign_done done,
                       void *user);
    ops_status (*add_signature)(ops_task task, struct channel_request *request, ops_str signature);
    /* Whether an answer with a good status is one: OPS_OK, else the code, with the service's `word`
     * for it, and `hint` (static). NULL: it is. */
    ops_status (*judge)(ops_task task, const ops_http_res *res, char word[CHANNEL_WORD_BYTES],
                        const char **hint);
    /* Reads the id of the message from a good answer; NULL: there is none. */
    void (*read_id)(ops_task task, const ops_http_res *res, char out[TARGET_ID_BYTES]);
    const char *gone_hint; /* of a 404 */
    /* Makes a request by GET that finds out whether `settings` are good and shows nobody anything.
     * NULL: there is none. */
    ops_status (*ask)(ops_task task, ops_val settings, struct channel_request *out);
    /* Why the message cannot be sent in this form at all, for people; NULL: it can. */
    const char *(*refuse)(const struct note *note, ops_val settings);
    /* Neither does who gets a message twice see that it is the same, nor can be looked for it. */
    int is_blind;
};

/* A channel's judge() where a good status is all that the service says: a page is not from it. */
ops_status channel_judge_page(ops_task task, const ops_http_res *res, char word[CHANNEL_WORD_BYTES],
                              const char **hint);

extern const struct channel channel_discord;
extern const struct channel channel_teams;
extern const struct channel channel_email;
extern const struct channel channel_slack; /* by an incoming webhook */
extern const struct channel channel_slack_api;
extern const struct channel channel_webhook;

struct target {
    char name[TARGET_NAME_BYTES]; /* its name, or the channel's for one without */
    const struct channel *channel;
    ops_val settings;
    ops_val notifications; /* its own rules; 0: those of all */
};

/* Reads a target, a map with one channel. OPS_E_CONFIG: it has none. */
ops_status target_read(ops_str name, ops_val value, struct target *out);

/*
 * Finds the targets that `to` names or says, each once. OPS_E_CONFIG: one has no such name;
 * `problem` says which there are.
 */
ops_status target_find_all(ops_val to, ops_val named, struct target targets[TARGETS_MAX],
                           uint32_t *out_count, struct text *problem);

/*
 * Names the place that a target's messages go to: the same for the same address, whatever the
 * target is called in which pipeline, and without telling it: "discord 3f2a60c1d5b4e798".
 */
ops_status target_name_place(const struct target *target, ops_task task,
                             char out[TARGET_PLACE_BYTES]);

#endif
