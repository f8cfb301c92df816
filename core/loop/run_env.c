/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_env.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/value/builder.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

/* The place of the first entry that is not below `root`. */
static size_t place_of(const struct run_env *env, uint64_t root)
{
    size_t low = 0;
    size_t high = env->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (env->entries[middle].root < root) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct run_env *env, size_t place, uint64_t root)
{
    return place < env->count && env->entries[place].root == root;
}

int run_env_set(struct run_env *env, uint64_t root, const struct document *values)
{
    size_t place = place_of(env, root);
    if (is_at(env, place, root)) {
        document_unref(env->entries[place].values);
        env->entries[place].values = document_ref(values);
        return 0;
    }
    struct run_env_entry *entries =
        array_reserve(env->entries, &env->cap, env->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return E_NOMEM;
    }
    env->entries = entries;
    memmove(&entries[place + 1], &entries[place], (env->count - place) * sizeof(*entries));
    entries[place] = (struct run_env_entry){root, document_ref(values), false};
    env->count++;
    return 0;
}

const struct document *run_env_find(const struct run_env *env, uint64_t root)
{
    size_t place = place_of(env, root);
    return is_at(env, place, root) ? env->entries[place].values : NULL;
}

static void drop(struct run_env *env, struct run_env_entry *entry)
{
    size_t place = (size_t)(entry - env->entries);
    document_unref(entry->values);
    memmove(entry, entry + 1, (env->count - place - 1) * sizeof(*entry));
    env->count--;
}

/* The oldest that has ended goes when there are too many. */
void run_env_end(struct run_env *env, uint64_t root)
{
    size_t place = place_of(env, root);
    if (!is_at(env, place, root) || env->entries[place].has_ended) {
        return;
    }
    env->entries[place].has_ended = true;
    if (env->ended < RUN_ENV_ENDED_MOST) {
        env->ended++;
        return;
    }
    struct run_env_entry *entry = env->entries;
    while (!entry->has_ended) {
        entry++;
    }
    drop(env, entry);
}

static void add_members(struct builder *b, const struct document *from, const struct value *but)
{
    const struct value *map = document_root(from);
    for (size_t i = 0; from != NULL && i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        if (but == NULL || value_get(but, value_str(&member->key)) == NULL) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, from, &member->value);
        }
    }
}

int run_env_merge(const struct document *values, const struct document *over, struct document **out)
{
    if (values == NULL || over == NULL) {
        const struct document *only = values != NULL ? values : over;
        *out = only != NULL ? document_ref(only) : NULL;
        return 0;
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    add_members(b, values, document_root(over));
    add_members(b, over, NULL);
    builder_map_end(b);
    return builder_finish(b, out, NULL);
}

void run_env_finish(struct run_env *env)
{
    for (size_t i = 0; i < env->count; i++) {
        document_unref(env->entries[i].values);
    }
    free(env->entries);
    *env = (struct run_env){0};
}

const char *run_env_value(const struct document *values, struct str name)
{
    bool is_secret = str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX));
    const struct value *value =
        values != NULL && !is_secret ? value_get(document_root(values), name) : NULL;
    return value_is(value, VALUE_STRING) ? value_str(value).p : NULL; /* ends with a NUL */
}
