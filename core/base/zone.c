/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone's file (TZif, RFC 8536) has a table of moments from which a clock ran differently, once
 * with 32 bits, since version 2 again with 64, and a rule for all later moments. Of the first table
 * only the length matters when there is a second.
 *
 * Zones that were read stay in a list which only grows; its length is bounded by the number of
 * files in the database. A file is read without the lock: who asks about a zone that is known waits
 * for no disk.
 */
#include "core/base/zone.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/zone_rule.h"

enum {
    MAX_FILE_BYTES = 256 * 1024,
    MAX_PATH_BYTES = 1024,
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
    MAX_OFFSET_SECONDS = 26 * 3600,
};

static const char default_folder[] = "/usr/share/zoneinfo";

struct zone {
    struct zone *next;
    char *path;
    int64_t *times;   /* ascending */
    int32_t *offsets; /* from the time on */
    size_t count;
    int32_t first_offset; /* before all times */
    bool has_rule;
    struct zone_rule rule;
};

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *zones; /* under zones_lock; what it holds is never changed or ended */

/* The counts of a header, and the size of what follows it. */
struct block {
    size_t utc_count;
    size_t standard_count;
    size_t leap_count;
    size_t time_count;
    size_t type_count;
    size_t name_bytes;
    size_t time_bytes; /* 4 or 8 */
};

static void zone_destroy(struct zone *zone)
{
    if (zone == NULL) {
        return;
    }
    free(zone->path);
    free(zone->times);
    free(zone->offsets);
    free(zone);
}

static uint64_t read_big(const char *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)p[i];
    }
    return value;
}

static int64_t read_signed(const char *p, size_t bytes)
{
    uint64_t value = read_big(p, bytes);
    return bytes == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

static bool read_header(struct str data, size_t time_bytes, struct block *out)
{
    if (data.n < HEADER_BYTES || !str_starts_with(data, STR("TZif"))) {
        return false;
    }
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        counts[i] = (size_t)read_big(data.p + 20 + 4 * i, 4);
        if (counts[i] > MAX_FILE_BYTES) {
            return false;
        }
    }
    *out = (struct block){counts[0], counts[1], counts[2], counts[3],
                          counts[4], counts[5], time_bytes};
    return true;
}

static size_t block_bytes(const struct block *b)
{
    return b->time_count * (b->time_bytes + 1) + b->type_count * TYPE_BYTES + b->name_bytes +
           b->leap_count * (b->time_bytes + 4) + b->standard_count + b->utc_count;
}

/* Fills the table from what stands behind a header. */
static int read_block(struct zone *zone, struct str data, const struct block *b)
{
    if (b->type_count == 0 || b->leap_count > 0 || block_bytes(b) > data.n) {
        return E_CORRUPT;
    }
    const char *kinds = data.p + b->time_count * b->time_bytes;
    const char *types = kinds + b->time_count;
    zone->times = calloc(b->time_count + 1, sizeof(*zone->times));
    zone->offsets = calloc(b->time_count + 1, sizeof(*zone->offsets));
    if (zone->times == NULL || zone->offsets == NULL) {
        return E_NOMEM;
    }
    zone->count = b->time_count;
    zone->first_offset = (int32_t)read_signed(types, 4);
    for (size_t i = 0; i < b->time_count; i++) {
        size_t kind = (unsigned char)kinds[i];
        if (kind >= b->type_count) {
            return E_CORRUPT;
        }
        zone->times[i] = read_signed(data.p + i * b->time_bytes, b->time_bytes);
        zone->offsets[i] = (int32_t)read_signed(types + kind * TYPE_BYTES, 4);
        bool is_ascending = i == 0 || zone->times[i] > zone->times[i - 1];
        bool is_sane = zone->offsets[i] > -MAX_OFFSET_SECONDS &&
                       zone->offsets[i] < MAX_OFFSET_SECONDS;
        if (!is_ascending || !is_sane) {
            return E_CORRUPT;
        }
    }
    return 0;
}

/* "\nRULE\n"; an empty rule is none. */
static int read_footer(struct zone *zone, struct str data)
{
    if (data.n < 2 || data.p[0] != '\n') {
        return E_CORRUPT;
    }
    const char *end = memchr(data.p + 1, '\n', data.n - 1);
    if (end == NULL) {
        return E_CORRUPT;
    }
    struct str text = {data.p + 1, (size_t)(end - data.p) - 1};
    if (text.n == 0) {
        return 0;
    }
    zone->has_rule = true;
    return zone_rule_parse(text, &zone->rule) == 0 ? 0 : E_CORRUPT;
}

static int read_zone(struct zone *zone, struct str data)
{
    struct block block;
    if (!read_header(data, 4, &block)) {
        return E_CORRUPT;
    }
    char version = data.p[4];
    struct str rest = {data.p + HEADER_BYTES, data.n - HEADER_BYTES};
    if (version == '\0') {
        return read_block(zone, rest, &block);
    }
    size_t skipped = block_bytes(&block);
    if (skipped > rest.n) {
        return E_CORRUPT;
    }
    rest = str_make(rest.p + skipped, rest.n - skipped);
    if (!read_header(rest, 8, &block)) {
        return E_CORRUPT;
    }
    rest = str_make(rest.p + HEADER_BYTES, rest.n - HEADER_BYTES);
    int status = read_block(zone, rest, &block);
    if (status != 0) {
        return status;
    }
    skipped = block_bytes(&block);
    return read_footer(zone, str_make(rest.p + skipped, rest.n - skipped));
}

static int fail_open(const char *folder, struct str name, int code, struct error *err)
{
    struct stat info;
    if (stat(folder, &info) != 0) {
        return error_set(err, E_NOT_FOUND,
                         "time zone '%.*s': there is no zone database in %s: install the package "
                         "tzdata, or set TZDIR",
                         STR_ARG(name), folder);
    }
    if (code == ENOENT || code == ENOTDIR || code == EISDIR) {
        return error_set(err, E_NOT_FOUND,
                         "unknown time zone '%.*s': write 'UTC', '+02:00' or a name such as "
                         "'Europe/Berlin'",
                         STR_ARG(name));
    }
    return error_set(err, E_IO, "time zone '%.*s': %s", STR_ARG(name), strerror(code));
}

/* Reads the file whole; `*out` is malloc'd. */
static int read_file(FILE *file, char **out, size_t *out_size)
{
    char *data = malloc(MAX_FILE_BYTES);
    if (data == NULL) {
        return E_NOMEM;
    }
    size_t size = fread(data, 1, MAX_FILE_BYTES, file);
    if (ferror(file) != 0 || size == MAX_FILE_BYTES) {
        int status = ferror(file) != 0 && errno == EISDIR ? E_NOT_FOUND : E_CORRUPT;
        free(data);
        return status;
    }
    *out = data;
    *out_size = size;
    return 0;
}

static int load(const char *folder, const char *path, struct str name, struct zone **out,
                struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fail_open(folder, name, errno, err);
    }
    cleanup_free char *data = NULL;
    size_t size = 0;
    int status = read_file(file, &data, &size);
    (void)fclose(file); /* only read */
    if (status == E_NOT_FOUND) {
        return fail_open(folder, name, EISDIR, err);
    }
    struct zone *zone = status == 0 ? calloc(1, sizeof(*zone)) : NULL;
    if (zone != NULL) {
        zone->path = str_dup(str_from(path));
        status = zone->path == NULL ? E_NOMEM : read_zone(zone, str_make(data, size));
    } else if (status == 0) {
        status = E_NOMEM;
    }
    if (status == 0) {
        *out = zone;
        return 0;
    }
    zone_destroy(zone);
    return status == E_NOMEM ? error_nomem(err)
                             : error_set(err, E_CORRUPT, "'%s' is no time zone's file", path);
}

/* What a name of the database can be: parts of letters, digits, '_', '+' and '-' between '/'. */
static bool is_name(struct str name)
{
    char before = '/';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool is_good = is_plain || c == '_' || c == '+' || c == '-' || (c == '/' && before != '/');
        if (!is_good) {
            return false;
        }
        before = c;
    }
    return name.n > 0 && name.n <= ZONE_MAX_NAME_BYTES && before != '/';
}

static const struct zone *find_in_list(const char *path)
{
    for (const struct zone *zone = zones; zone != NULL; zone = zone->next) {
        if (strcmp(zone->path, path) == 0) {
            return zone;
        }
    }
    return NULL;
}

static const struct zone *find_known(const char *path)
{
    (void)pthread_mutex_lock(&zones_lock); /* cannot fail for a plain mutex */
    const struct zone *zone = find_in_list(path);
    (void)pthread_mutex_unlock(&zones_lock);
    return zone;
}

/* `zone` (taken), or the one that another thread has read meanwhile. */
static const struct zone *keep(struct zone *zone)
{
    (void)pthread_mutex_lock(&zones_lock);
    const struct zone *known = find_in_list(zone->path);
    if (known == NULL) {
        zone->next = zones;
        zones = zone;
    }
    (void)pthread_mutex_unlock(&zones_lock);
    if (known != NULL) {
        zone_destroy(zone);
    }
    return known != NULL ? known : zone;
}

static int get_zone(struct str name, const struct zone **out, struct error *err)
{
    const char *set = getenv("TZDIR");
    const char *folder = set != NULL && *set != '\0' ? set : default_folder;
    char path[MAX_PATH_BYTES];
    int length = is_name(name) ? snprintf(path, sizeof(path), "%s/%.*s", folder, STR_ARG(name))
                               : -1;
    if (length < 0 || (size_t)length >= sizeof(path)) {
        int shown = name.n > ZONE_MAX_NAME_BYTES ? ZONE_MAX_NAME_BYTES : (int)name.n;
        return fail_open(folder, str_make(name.p, (size_t)shown), ENOENT, err);
    }
    const struct zone *known = find_known(path);
    if (known == NULL) {
        struct zone *zone = NULL;
        int status = load(folder, path, name, &zone, err);
        if (status != 0) {
            return status;
        }
        known = keep(zone);
    }
    *out = known;
    return 0;
}

int zone_offset(struct str name, int64_t unix_seconds, int32_t *out_seconds, struct error *err)
{
    const struct zone *zone = NULL;
    int status = get_zone(name, &zone, err);
    if (status != 0) {
        return status;
    }
    if (zone->count == 0 || unix_seconds >= zone->times[zone->count - 1]) {
        *out_seconds = zone->has_rule    ? zone_rule_offset(&zone->rule, unix_seconds)
                       : zone->count > 0 ? zone->offsets[zone->count - 1]
                                         : zone->first_offset;
        return 0;
    }
    /* The last time that is not behind the moment lies in [low - 1, high - 1]. */
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= unix_seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_seconds = low > 0 ? zone->offsets[low - 1] : zone->first_offset;
    return 0;
}
