/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The index of the registry: a JSON file that says which files there were and what they offered,
 * with the stamps of all files and folders. It is used only when every stamp still fits, so what
 * it costs is one read, one stat per place and one per folder above; anything odd in it, and the
 * folders are scanned.
 *
 * It is no more trusted than what it names: files are checked again before they are opened.
 */

#include "core/host/registry_index.h"

#include <string.h>
#include <unistd.h>

#include "core/base/build_id.h"
#include "core/base/error.h"
#include "core/host/index_shelf.h"
#include "core/host/private_file.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { INDEX_FORMAT = 5, INDEX_MAX_BYTES = 16 * 1024 * 1024, STAMP_NUMBERS = 5 };

/* ---- Writing ---- */

static void write_stamp(struct builder *b, const struct trust_stamp *stamp)
{
    builder_key(b, STR("stamp"));
    builder_list_begin(b);
    builder_int(b, (int64_t)stamp->device);
    builder_int(b, (int64_t)stamp->inode);
    builder_int(b, (int64_t)stamp->size);
    builder_int(b, stamp->modified_ns);
    builder_int(b, stamp->changed_ns);
    builder_list_end(b);
}

static void write_place(struct builder *b, const struct registry_place *place)
{
    builder_map_begin(b);
    builder_member_string(b, STR("path"), place->path);
    write_stamp(b, &place->stamp);
    builder_map_end(b);
}

static void write_file(struct builder *b, const struct registry_file *file)
{
    builder_map_begin(b);
    builder_member_string(b, STR("path"), file->info.path);
    builder_member_string(b, STR("id"), file->info.id);
    builder_member_string(b, STR("version"), file->info.version);
    builder_member_string(b, STR("problem"), file->info.problem);
    builder_member_int(b, STR("code"), file->problem_code);
    builder_member_bool(b, STR("misplaced"), file->is_misplaced);
    builder_member_string(b, STR("hash"), str_from(file->hash));
    builder_member_int(b, STR("owner"), (int64_t)file->info.trial.owner);
    write_stamp(b, &file->stamp);
    builder_key(b, STR("types"));
    builder_list_begin(b);
    for (size_t i = 0; i < file->type_count; i++) {
        builder_list_begin(b);
        builder_string(b, file->types[i].name);
        builder_string(b, file->types[i].risk);
        builder_string(b, file->types[i].summary);
        builder_list_end(b);
    }
    builder_list_end(b);
    builder_map_end(b);
}

static int index_build(const struct registry *registry, struct document **out_document)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("format"), INDEX_FORMAT);
    builder_member_string(b, STR("host"), str_from(OPSTREAM_BUILD_ID));
    builder_member_int(b, STR("user"), (int64_t)geteuid());
    builder_member_string(b, STR("folders"), strbuf_str(&registry->folders_text));
    builder_key(b, STR("places"));
    builder_list_begin(b);
    for (size_t i = 0; i < registry->place_count; i++) {
        write_place(b, &registry->places[i]);
    }
    builder_list_end(b);
    builder_key(b, STR("files"));
    builder_list_begin(b);
    for (size_t i = 0; i < registry->file_count; i++) {
        write_file(b, registry->files[i]);
    }
    builder_list_end(b);
    builder_map_end(b);
    return builder_finish(b, out_document, NULL);
}

void registry_index_write(struct registry *registry)
{
    cleanup_document struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    if (registry->index_path == NULL || index_build(registry, &document) != 0) {
        return;
    }

    json_write(document_root(document), JSON_COMPACT, &text);
    strbuf_append_char(&text, '\n');
    if (strbuf_status(&text) == 0) {
        /* without an index the next start looks into the folders again */
        (void)private_file_replace(registry->index_path, strbuf_str(&text));
        index_shelf_sweep(registry->index_path);
    }
    strbuf_finish(&text);
}

/* ---- Reading: false for anything odd ---- */

static bool get_text(struct registry *registry, const struct value *map, const char *key,
                     struct str *out)
{
    const struct value *member = value_get(map, str_from(key));
    if (!value_is(member, VALUE_STRING)) {
        return false;
    }
    *out = registry_dup(registry, value_str(member));
    return out->p != NULL;
}

static bool get_stamp(const struct value *map, struct trust_stamp *out)
{
    const struct value *list = value_get(map, STR("stamp"));
    int64_t numbers[STAMP_NUMBERS];
    if (!value_is(list, VALUE_LIST) || value_count(list) != STAMP_NUMBERS) {
        return false;
    }
    for (size_t i = 0; i < STAMP_NUMBERS; i++) {
        if (!value_is(value_at(list, i), VALUE_INT)) {
            return false;
        }
        numbers[i] = value_int(value_at(list, i));
    }

    *out = (struct trust_stamp){
        .device = (uint64_t)numbers[0],
        .inode = (uint64_t)numbers[1],
        .size = (uint64_t)numbers[2],
        .modified_ns = numbers[3],
        .changed_ns = numbers[4],
    };
    return true;
}

static bool still_is(struct str path, const struct trust_stamp *stamp)
{
    struct trust_stamp now = trust_stamp_of(path.p);
    return trust_stamp_equal(stamp, &now);
}

static bool read_place(struct registry *registry, const struct value *map)
{
    struct str path;
    struct trust_stamp stamp;
    return get_text(registry, map, "path", &path) && get_stamp(map, &stamp) &&
           still_is(path, &stamp) && registry_add_place(registry, path, &stamp) == 0;
}

/* [name, risk, summary] */
static bool read_type(struct registry *registry, const struct value *list,
                      struct node_type_line *out)
{
    struct str *const members[] = {&out->name, &out->risk, &out->summary};
    const size_t count = sizeof members / sizeof members[0];
    if (!value_is(list, VALUE_LIST) || value_count(list) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *member = value_at(list, i);
        if (!value_is(member, VALUE_STRING)) {
            return false;
        }
        *members[i] = registry_dup(registry, value_str(member));
        if (members[i]->p == NULL) {
            return false;
        }
    }
    return true;
}

static bool read_types(struct registry *registry, const struct value *map,
                       struct registry_file *file)
{
    const struct value *list = value_get(map, STR("types"));
    if (!value_is(list, VALUE_LIST)) {
        return false;
    }

    size_t count = value_count(list);
    file->types = arena_calloc(&registry->arena, count + 1, sizeof *file->types);
    for (size_t i = 0; file->types != NULL && i < count; i++) {
        file->types[i].plugin = file->info.id;
        if (!read_type(registry, value_at(list, i), &file->types[i])) {
            return false;
        }
    }
    file->type_count = count;
    return file->types != NULL;
}

/* Of another user's file. */
static bool read_hash(const struct value *map, struct registry_file *file)
{
    const struct value *hash = value_get(map, STR("hash"));
    const struct value *owner = value_get(map, STR("owner"));
    if (!value_is(hash, VALUE_STRING) || value_str(hash).n >= sizeof file->hash ||
        !value_is(owner, VALUE_INT)) {
        return false;
    }
    memcpy(file->hash, value_str(hash).p, value_str(hash).n);
    file->info.trial.owner = (uint32_t)value_int(owner);
    return true;
}

static bool read_file(struct registry *registry, const struct value *map)
{
    struct registry_file *file = NULL;
    struct str path;
    struct trust_stamp stamp;
    const struct value *code = value_get(map, STR("code"));
    const struct value *misplaced = value_get(map, STR("misplaced"));
    if (!get_text(registry, map, "path", &path) || !get_stamp(map, &stamp) ||
        !value_is(code, VALUE_INT) || value_int(code) < -100 || value_int(code) > 0 ||
        !value_is(misplaced, VALUE_BOOL) || registry_add_file(registry, path, &file) != 0) {
        return false;
    }

    file->stamp = stamp;
    file->problem_code = (int)value_int(code);
    file->is_misplaced = value_bool(misplaced);
    /* One that could not even be opened has no stamp, and is looked at again each time. */
    return stamp.inode != 0 && still_is(path, &stamp) &&
           get_text(registry, map, "id", &file->info.id) &&
           get_text(registry, map, "version", &file->info.version) &&
           get_text(registry, map, "problem", &file->info.problem) && read_hash(map, file) &&
           read_types(registry, map, file);
}

static bool read_each(struct registry *registry, const struct value *list,
                      bool (*read_one)(struct registry *registry, const struct value *map))
{
    if (!value_is(list, VALUE_LIST)) {
        return false;
    }
    for (size_t i = 0; i < value_count(list); i++) {
        if (!read_one(registry, value_at(list, i))) {
            return false;
        }
    }
    return true;
}

static bool has_number(const struct value *root, const char *key, int64_t wanted)
{
    const struct value *member = value_get(root, str_from(key));
    return value_is(member, VALUE_INT) && value_int(member) == wanted;
}

static bool has_text(const struct value *root, const char *key, struct str wanted)
{
    const struct value *member = value_get(root, str_from(key));
    return value_is(member, VALUE_STRING) && str_equal(value_str(member), wanted);
}

/* What the stamps of folders and files do not tell: who can write to those above. */
static bool are_folders_good(struct registry *registry)
{
    for (size_t i = 0; i < registry->folder_count; i++) {
        int status = trust_check_folder(&registry->above, registry->folders[i].p, NULL);
        if (status != 0 && status != E_NOT_FOUND) {
            return false;
        }
    }
    return true;
}

static bool index_take(struct registry *registry, const struct value *root)
{
    return has_number(root, "format", INDEX_FORMAT) &&
           has_text(root, "host", str_from(OPSTREAM_BUILD_ID)) &&
           has_number(root, "user", (int64_t)geteuid()) &&
           has_text(root, "folders", strbuf_str(&registry->folders_text)) &&
           are_folders_good(registry) &&
           read_each(registry, value_get(root, STR("places")), read_place) &&
           read_each(registry, value_get(root, STR("files")), read_file);
}

bool registry_index_read(struct registry *registry)
{
    cleanup_document struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    bool is_good =
        registry->index_path != NULL &&
        private_file_read(registry->index_path, INDEX_MAX_BYTES, index_shelf_note_use, &text) &&
        json_read(strbuf_str(&text), NULL, &document, NULL) == 0 &&
        index_take(registry, document_root(document));
    strbuf_finish(&text);
    return is_good;
}
