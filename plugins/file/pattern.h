/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_FILE_PATTERN_H
#define PLUGINS_FILE_PATTERN_H

/*
 * Pattern: paths by the rules of the shell: `*` and `?` within a name, `[a-z]`, and `**` as a whole
 * part for any number of folders, also none.
 */

enum { PATTERN_PARTS_MAX = 64 };

/* 1 when the whole of `path` (parts with '/' between them) matches. */
int pattern_matches(const char *pattern, const char *path);

/* 1 when matching it takes the content of folders. */
int pattern_has_parts(const char *pattern);

/* 0: it has more than PATTERN_PARTS_MAX parts, an empty one, "." or "..". */
int pattern_is_sound(const char *pattern);

#endif
