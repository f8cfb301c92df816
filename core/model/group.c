/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/group.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/storage.h"

enum { KEY_MAX_BYTES = 256 };

struct pipeline_group {
    uint32_t references; /* atomic */
    struct pipeline_storage **members;
    size_t count;
    size_t cap;
    struct strmap ids; /* "FILE:ID", and "*:ID" for those of the library */
    struct arena arena;
    struct str *files; /* names by number */
    size_t file_count;
    size_t file_cap;
};

struct key {
    char text[KEY_MAX_BYTES];
};

/* Empty when no pipeline can have such an id. */
static struct str file_key(struct key *key, uint32_t file, struct str id)
{
    int n = snprintf(key->text, sizeof(key->text), "%u:%.*s", file, STR_ARG(id));
    return n > 0 && n < KEY_MAX_BYTES ? str_make(key->text, (size_t)n) : STR("");
}

static struct str library_key(struct key *key, struct str id)
{
    int n = snprintf(key->text, sizeof(key->text), "*:%.*s", STR_ARG(id));
    return n > 0 && n < KEY_MAX_BYTES ? str_make(key->text, (size_t)n) : STR("");
}

struct pipeline_group *group_create(void)
{
    struct pipeline_group *group = calloc(1, sizeof(*group));
    if (group != NULL) {
        group->references = 1;
    }
    return group;
}

void group_ref(struct pipeline_group *group)
{
    __atomic_add_fetch(&group->references, 1, __ATOMIC_RELAXED);
}

void group_unref(struct pipeline_group *group)
{
    if (group == NULL || __atomic_sub_fetch(&group->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    strmap_finish(&group->ids);
    for (size_t i = 0; i < group->count; i++) {
        storage_destroy(group->members[i]);
    }
    free(group->members);
    free(group->files);
    arena_finish(&group->arena);
    free(group);
}

int group_add_file(struct pipeline_group *group, struct str name)
{
    struct str *files =
        array_reserve(group->files, &group->file_cap, group->file_count + 1, sizeof(*files));
    if (files == NULL) {
        return E_NOMEM;
    }
    group->files = files;
    files[group->file_count] = arena_dup_str(&group->arena, name);
    return files[group->file_count++].p != NULL ? 0 : E_NOMEM;
}

struct str group_file(const struct pipeline_group *group, uint32_t file)
{
    return file < group->file_count ? group->files[file] : STR("");
}

/* The first one of an id is the one that is found. */
static int add_key(struct pipeline_group *group, struct pipeline_storage *storage, struct str key)
{
    if (key.n == 0) {
        return 0;
    }
    struct str kept = arena_dup_str(&storage->arena, key);
    int status = kept.p != NULL ? strmap_add(&group->ids, kept, storage) : E_NOMEM;
    return status == E_EXISTS ? 0 : status;
}

int group_join(struct pipeline_group *group, struct pipeline *pipeline, uint32_t file,
               bool is_library)
{
    struct pipeline_storage *storage = storage_of(pipeline);
    struct key key;
    CHECK(storage->group == NULL);
    struct pipeline_storage **members = array_reserve(group->members, &group->cap, group->count + 1,
                                                      sizeof(struct pipeline_storage *));
    if (members == NULL) {
        storage_destroy(storage);
        return E_NOMEM;
    }
    group->members = members;
    members[group->count++] = storage;
    storage->group = group;
    storage->file = file;
    int status = add_key(group, storage, file_key(&key, file, pipeline->id));
    if (status == 0 && is_library) {
        status = add_key(group, storage, library_key(&key, pipeline->id));
    }
    return status;
}

const struct pipeline *group_find(const struct pipeline_group *group, uint32_t file, struct str id)
{
    struct key key;
    const struct pipeline_storage *found = strmap_get(&group->ids, file_key(&key, file, id));
    if (found == NULL) {
        found = strmap_get(&group->ids, library_key(&key, id));
    }
    return found != NULL ? &found->pipeline : NULL;
}

const struct pipeline *group_at(const struct pipeline_group *group, size_t i)
{
    return i < group->count ? &group->members[i]->pipeline : NULL;
}
