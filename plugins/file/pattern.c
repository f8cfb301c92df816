/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <fnmatch.h>
#include <string.h>

enum { PART_BYTES = 256 };

/* Copies the part that begins at `*at` and moves behind it. 0: there is none, or it is too long. */
static int next_part(const char **at, char part[PART_BYTES])
{
    if (*at == NULL) {
        return 0;
    }
    size_t n = strcspn(*at, "/");
    if (n >= PART_BYTES) {
        return 0;
    }
    memcpy(part, *at, n);
    part[n] = '\0';
    *at = (*at)[n] == '/' ? *at + n + 1 : NULL;
    return 1;
}

static int is_any_depth(const char *part)
{
    return strcmp(part, "**") == 0;
}

/*
 * One row of a table per part of the path: is_open[i] says that the parts so far can be the first i
 * parts of the pattern. Its cost is parts times parts, whatever the pattern.
 */
struct table {
    char parts[PATTERN_PARTS_MAX][PART_BYTES];
    int n;
    char is_open[PATTERN_PARTS_MAX + 1];
};

/* A "**" may stand for nothing. */
static void skip_any_depth(struct table *table)
{
    for (int i = 0; i < table->n; i++) {
        if (table->is_open[i] && is_any_depth(table->parts[i])) {
            table->is_open[i + 1] = 1;
        }
    }
}

static void take_part(struct table *table, const char *part)
{
    for (int i = table->n; i >= 0; i--) {
        int stays = i < table->n && is_any_depth(table->parts[i]) && table->is_open[i];
        int is_reached = i > 0 && table->is_open[i - 1] && !is_any_depth(table->parts[i - 1]) &&
                         fnmatch(table->parts[i - 1], part, 0) == 0;
        table->is_open[i] = (char)(stays || is_reached);
    }
    skip_any_depth(table);
}

int pattern_matches(const char *pattern, const char *path)
{
    struct table table = {.n = 0};
    while (table.n < PATTERN_PARTS_MAX && next_part(&pattern, table.parts[table.n])) {
        table.n++;
    }
    if (pattern != NULL) {
        return 0;
    }
    table.is_open[0] = 1;
    skip_any_depth(&table);
    char part[PART_BYTES];
    while (next_part(&path, part)) {
        take_part(&table, part);
    }
    return path == NULL && table.is_open[table.n];
}

int pattern_has_parts(const char *pattern)
{
    return strchr(pattern, '/') != NULL || is_any_depth(pattern);
}

int pattern_is_sound(const char *pattern)
{
    char part[PART_BYTES];
    int n = 0;
    while (next_part(&pattern, part)) {
        if (part[0] == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0 ||
            ++n > PATTERN_PARTS_MAX) {
            return 0;
        }
    }
    return pattern == NULL;
}
