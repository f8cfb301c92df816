/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_BUNDLE_RECORDER_H
#define CORE_MODEL_BUNDLE_RECORDER_H

/*
 * Bundle recorder: notes what one load_text() takes from its surroundings, and writes it as a
 * bundle when somebody asks for one.
 *
 *     struct load_options recording = bundle_recorder_init(&recorder, &options);
 *     status = load_text(text, &recording, ...);
 *     if (status == 0) { status = bundle_recorder_write(&recorder, text, &out, err); }
 *     bundle_recorder_finish(&recorder);
 *
 * Noting costs a few words for each id and variable: no text is copied before it is written.
 *
 * Used by:  cli.
 * Uses:     load, value.
 * Threads:  [any]; a recorder belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/model/load.h"

struct document;
struct error;
struct recorded_file;
struct recorded_find;
struct recorded_name;

struct bundle_recorder {
    struct load_options options; /* as the caller has them */
    struct load_library inner;   /* the caller's library, if there is one */
    struct load_library library; /* what load_text() sees */
    struct arena arena;
    struct strmap files; /* of the library, by name */
    struct strmap finds; /* by id */
    struct strmap named; /* likewise of files by their name: see bundle.h */
    struct strmap names; /* of environment variables */
    struct str *ids;     /* all those of the library, in its order, when they were asked for */
    size_t id_count;
    size_t id_cap;
    bool failed; /* out of memory: something is missing */
};

/*
 * The options for one load_text(), which is recorded. What `options` (copied) points to is
 * kept until bundle_recorder_finish(), but for the struct load_library itself; so are the ids and
 * texts that the library gives. The recorder must not move while load_text() runs.
 */
struct load_options bundle_recorder_init(struct bundle_recorder *recorder,
                                         const struct load_options *options);
void bundle_recorder_finish(struct bundle_recorder *recorder);

/*
 * Appends the bundle of what was loaded from `text`, the main file's (borrowed): after load_text()
 * returned 0. The same inputs give the same bytes. Fails with E_LIMIT when it gets larger than
 * BUNDLE_MAX_BYTES, E_INVALID for a name that no JSON text can have, E_NOMEM; `out` then may have
 * a part of it.
 */
int bundle_recorder_write(struct bundle_recorder *recorder, struct str text, struct strbuf *out,
                          struct error *err);

#endif
