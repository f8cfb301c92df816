/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SHORTCUT_LINKS_H
#define PLUGINS_SHORTCUT_LINKS_H

/*
 * Links: of a story to what belongs to it elsewhere. Shortcut takes the list only as a whole, so it
 * is read first; a link that is there already is not added again.
 *
 * Used by:  the shortcut plugin.
 * Uses:     service/.
 * Threads:  [strand]
 */

#include "service/call.h"

extern const struct pick links_output[];

/* The steps of `shortcut.link_external`, and what they add to its body. */
void links_add(struct service_call *call);
void links_add_body(struct service_call *call, struct ops_map *body);

#endif
