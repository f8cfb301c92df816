/* SPDX-License-Identifier: Apache-2.0 */
/* file.list: what is in a folder. file.glob: the paths below a folder that match a pattern. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "pattern.h"
#include "walk.h"

enum { ENTRIES_MAX = 10000 };

static ops_status make_entry(const struct walk *walk, const struct entry *entry, ops_val *out)
{
    char modified[TIME_TEXT_BYTES];
    file_format_time(entry->modified, modified);
    char *path = NULL;
    const char *folder = walk->place->path;
    if (asprintf(&path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entry->path) < 0) {
        return OPS_E_RESOURCE;
    }
    const char *slash = strrchr(entry->path, '/');
    struct ops_map map = ops_map_begin(walk->task);
    ops_map_text(&map, "name", slash != NULL ? slash + 1 : entry->path);
    ops_map_text(&map, "path", path);
    ops_map_text(&map, "type", entry->type);
    ops_map_i64(&map, "size", entry->size);
    ops_map_text(&map, "modified", modified);
    ops_status status = ops_map_end(&map, out);
    free(path);
    return status;
}

static ops_status make_list(const struct walk *walk, ops_val *out)
{
    ops_val *values = calloc((size_t)walk->n + 1, sizeof(*values));
    ops_status status = values != NULL ? OPS_OK : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < walk->n && status == OPS_OK; i++) {
        status = make_entry(walk, &walk->entries[i], &values[i]);
    }
    if (status == OPS_OK) {
        status = ops.value->new_list(ops.h, walk->task, values, walk->n, out);
    }
    free(values);
    return status;
}

static void complete(const struct walk *walk)
{
    ops_val entries = 0;
    ops_status status = make_list(walk, &entries);
    if (status == OPS_E_INPUT) {
        ops_fail_text(walk->task, OPS_E_INPUT, "a file has a name that is not UTF-8");
        return;
    }
    struct ops_map map = ops_map_begin(walk->task);
    ops_map_text(&map, "path", walk->place->path);
    ops_map_made(&map, "entries", status, entries);
    ops_map_i64(&map, "count", (int64_t)walk->n);
    ops_complete_map(walk->task, &map);
}

/* Walks from `place` and ends the task and the place. */
static void run(struct walk *walk, struct place *place)
{
    walk->place = place;
    int fd = place_open(place, O_RDONLY | O_DIRECTORY);
    int status = fd >= 0 ? walk_run(walk, fd) : fd;
    if (status == 0) {
        complete(walk);
    } else {
        place_fail(walk->task, -status, place);
    }
    walk_finish(walk);
    place_finish(place);
}

static struct walk walk_begin(ops_task task, ops_val config)
{
    return (struct walk){
        .task = task,
        .takes_hidden = ops_get_bool(config, "hidden", 0),
        .max_entries = (uint64_t)ops_get_i64(config, "max_entries", ENTRIES_MAX),
    };
}

void file_list_execute(ops_node *node, ops_task task, ops_val config)
{
    struct place place;
    struct walk walk = walk_begin(task, config);
    walk.is_recursive = ops_get_bool(config, "recursive", 0);
    if (place_find(node, task, ops_get_str(config, "path", "."), &place)) {
        run(&walk, &place);
    }
}

/*
 * Splits what is no pattern off the front, so that only what can match is looked at:
 * "logs/2025/ *.json" is " *.json" in "logs/2025". Returns the bytes of the folder.
 */
static size_t folder_length(const char *pattern)
{
    size_t n = 0;
    for (const char *slash = strchr(pattern, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - pattern);
        if (strcspn(pattern, "*?[\\") < length) {
            break;
        }
        n = length;
    }
    return n;
}

/* The folder to look in, and the pattern below it. 0: out of memory. */
static int split_pattern(ops_str base, const char *pattern, char **out_folder,
                         const char **out_pattern)
{
    size_t n = folder_length(pattern);
    int base_n = (int)base.n;
    *out_pattern = pattern + n + (n > 0 || pattern[0] == '/');
    if (pattern[0] == '/') {
        return asprintf(out_folder, "/%.*s", (int)n, pattern) >= 0;
    }
    return asprintf(out_folder, "%.*s/%.*s", base_n, base.p, (int)n, pattern) >= 0;
}

void file_glob_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str given = ops_get_str(config, "pattern", "*");
    ops_str base = ops_get_str(config, "path", ".");
    char *pattern = strndup(given.p, (size_t)given.n);
    char *folder = NULL;
    struct walk walk = walk_begin(task, config);
    struct place place;
    if (pattern == NULL || base.n > PATH_MAX ||
        !split_pattern(base, pattern, &folder, &walk.pattern)) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
    } else if (strlen(pattern) != given.n || !pattern_is_sound(walk.pattern)) {
        ops_fail_text(task, OPS_E_CONFIG,
                      "'pattern' has a part that is empty, '.' or '..', or more than 64 parts");
    } else if (place_find(node, task, ops_text(folder), &place)) {
        walk.is_recursive = pattern_has_parts(walk.pattern);
        run(&walk, &place);
    }
    free(folder);
    free(pattern);
}
