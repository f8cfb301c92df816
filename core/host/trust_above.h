/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TRUST_ABOVE_H
#define CORE_HOST_TRUST_ABOVE_H

/*
 * Trust above: the folders on the way to a file or folder, from / on, and those that symbolic links
 * lead through. Who can write to one of them can put another folder in the place of the next. So
 * each of them is of the three kinds of trust.h, with one difference: what others can write to may
 * be used when it is sticky, as /tmp is, and what is next on the way belongs to root or to the user
 * who runs this: nobody else can take that away.
 *
 * Used by:  trust, registry, registry_file, copy_shelf.
 * Uses:     base.
 * Threads:  [any]; one table belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/strmap.h"

struct error;

/* Those that have been looked at: once each, as long as the table lasts. */
struct trust_above {
    struct arena arena;
    struct strmap folders; /* by path */
};

#define TRUST_ABOVE_INIT ((struct trust_above){.folders = STRMAP_INIT})

/* It is empty and usable again. */
void trust_above_finish(struct trust_above *above);

/*
 * Looks at the way to `path`, not at what it ends with. `above` may be NULL: then everything is
 * looked at now. `*out_owner` is another user who owns one of the folders, 0 when there is none.
 * Fails with E_PLUGIN (others can write to one: the message says whose it is and what to do),
 * E_NOT_FOUND, E_IO, E_NOMEM.
 */
int trust_above_check(struct trust_above *above, const char *path, uint32_t *out_owner,
                      struct error *err);

#endif
