/* SPDX-License-Identifier: Apache-2.0 */
#include "service/kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_PARTS = 3, PART_KEY = 0, PART_STAMP, PART_BODY };

/* The parts stand behind one another in `bytes`. */
struct entry {
    struct entry *next; /* used before this one */
    size_t sizes[KEPT_PARTS];
    size_t size;
    char bytes[];
};

struct kept {
    pthread_mutex_t lock;
    struct entry *newest;
    size_t size;
};

struct kept *kept_create(void)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (kept != NULL && pthread_mutex_init(&kept->lock, NULL) != 0) {
        free(kept);
        kept = NULL;
    }
    return kept;
}

void kept_destroy(struct kept *kept)
{
    while (kept != NULL && kept->newest != NULL) {
        struct entry *entry = kept->newest;
        kept->newest = entry->next;
        free(entry);
    }
    if (kept != NULL) {
        (void)pthread_mutex_destroy(&kept->lock); /* nobody holds it */
        free(kept);
    }
}

void kept_text_finish(struct kept_text *kept)
{
    text_finish(&kept->stamp);
    text_finish(&kept->body);
}

static ops_str part_of(const struct entry *entry, int part)
{
    ops_str s = {entry->bytes, entry->sizes[part]};
    for (int i = 0; i < part; i++) {
        s.p += entry->sizes[i];
    }
    return s;
}

/* Takes the entry of `key` out of the list. */
static struct entry *take(struct kept *kept, ops_str key)
{
    for (struct entry **at = &kept->newest; *at != NULL; at = &(*at)->next) {
        struct entry *entry = *at;
        if (entry->sizes[PART_KEY] == key.n && memcmp(entry->bytes, key.p, (size_t)key.n) == 0) {
            *at = entry->next;
            kept->size -= entry->size;
            return entry;
        }
    }
    return NULL;
}

static void drop_oldest(struct kept *kept)
{
    struct entry **at = &kept->newest;
    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    kept->size -= (*at)->size;
    free(*at);
    *at = NULL;
}

static void add(struct kept *kept, struct entry *entry)
{
    entry->next = kept->newest;
    kept->newest = entry;
    kept->size += entry->size;
    while (kept->size > KEPT_BYTES) {
        drop_oldest(kept);
    }
}

int kept_find(struct kept *kept, ops_str key, struct kept_text *out)
{
    (void)pthread_mutex_lock(&kept->lock); /* fails for a destroyed one only */
    struct entry *entry = take(kept, key);
    if (entry != NULL) {
        text_append_str(&out->stamp, part_of(entry, PART_STAMP));
        text_append_str(&out->body, part_of(entry, PART_BODY));
        add(kept, entry);
    }
    (void)pthread_mutex_unlock(&kept->lock);
    if (out->stamp.failed || out->body.failed) {
        kept_text_finish(out);
        return 0;
    }
    return entry != NULL;
}

void kept_put(struct kept *kept, ops_str key, ops_str stamp, ops_str body)
{
    const ops_str parts[KEPT_PARTS] = {key, stamp, body};
    size_t bytes = 0;
    for (int i = 0; i < KEPT_PARTS; i++) {
        bytes += (size_t)parts[i].n;
    }
    int is_small = bytes <= KEPT_BYTES / 4;
    struct entry *entry = is_small ? malloc(sizeof *entry + bytes) : NULL;
    char *at = entry != NULL ? entry->bytes : NULL;
    for (int i = 0; entry != NULL && i < KEPT_PARTS; i++) {
        entry->sizes[i] = (size_t)parts[i].n;
        if (parts[i].n > 0) {
            memcpy(at, parts[i].p, (size_t)parts[i].n);
            at += parts[i].n;
        }
    }

    (void)pthread_mutex_lock(&kept->lock); /* as above */
    free(take(kept, key));
    if (entry != NULL) {
        entry->size = sizeof *entry + bytes;
        add(kept, entry);
    }
    (void)pthread_mutex_unlock(&kept->lock);
}
