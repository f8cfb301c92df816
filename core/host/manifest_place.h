/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MANIFEST_PLACE_H
#define CORE_HOST_MANIFEST_PLACE_H

/*
 * Manifest place: where in the text of a manifest something stands. In a plugin's note that is one
 * long line, so some of the text is shown as well.
 *
 * Used by:  manifest.
 * Uses:     base.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct error;

/*
 * Puts "its manifest is not valid: line 1, column 35, at '"nodse":[{"type":': " in front of the
 * message: the place of the value that `pointer` names in `text`, which is JSON.
 */
void manifest_place_add(struct str text, struct str pointer, struct error *err);

/* The place alone: "line 1, column 35: ". */
void manifest_place_append(struct strbuf *out, struct str text, struct str pointer);

#endif
