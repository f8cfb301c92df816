/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/bundle_recorder.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/model/bundle.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct recorded_file {
    struct str name;
    struct str text; /* borrowed from the library */
};

struct recorded_find {
    struct str id;
    const struct recorded_file *file; /* NULL: the library does not have it */
};

struct recorded_name {
    struct str name;
    bool is_set;
};

/* ---- while it is loaded ---- */

/* The file's name as JSON can have it; `.p` is NULL when out of memory. */
static struct str keep_name(struct bundle_recorder *recorder, struct str name)
{
    if (utf8_valid_prefix(name.p, name.n) == name.n) {
        return arena_dup_str(&recorder->arena, name);
    }
    struct strbuf text = STRBUF_INIT;
    escape_append_text(&text, name);
    struct str kept = {0};
    if (strbuf_status(&text) == 0) {
        kept = arena_dup_str(&recorder->arena, strbuf_str(&text));
    }
    strbuf_finish(&text);
    return kept;
}

static int note_file(struct bundle_recorder *recorder, const struct load_library_text *found,
                     const struct recorded_file **out_file)
{
    struct str name = keep_name(recorder, found->file);
    struct recorded_file *file = name.p != NULL ? strmap_get(&recorder->files, name) : NULL;
    if (file == NULL && name.p != NULL) {
        file = arena_calloc(&recorder->arena, 1, sizeof(*file));
    }
    if (file == NULL) {
        return E_NOMEM;
    }
    *out_file = file;
    if (file->name.p != NULL) {
        return 0;
    }
    *file = (struct recorded_file){.name = name, .text = found->text};
    return strmap_add(&recorder->files, name, file);
}

/* `found` is NULL when the library does not have it. */
static int note_find(struct bundle_recorder *recorder, struct strmap *finds, struct str id,
                     const struct load_library_text *found)
{
    if (strmap_get(finds, id) != NULL) {
        return 0;
    }
    struct recorded_find *find = arena_calloc(&recorder->arena, 1, sizeof(*find));
    struct str kept = arena_dup_str(&recorder->arena, id);
    if (find == NULL || kept.p == NULL) {
        return E_NOMEM;
    }
    find->id = kept;
    int status = found != NULL ? note_file(recorder, found, &find->file) : 0;
    return status == 0 ? strmap_add(finds, kept, find) : status;
}

static int find(void *user, struct str id, struct load_library_text *out_text, struct error *err)
{
    struct bundle_recorder *recorder = user;
    struct load_library_text found = {0};
    int status = recorder->inner.find(recorder->inner.user, id, &found, err);
    if (status != 0 && status != E_NOT_FOUND && status != E_CONFLICT) {
        return status;
    }
    if (note_find(recorder, &recorder->finds, id, status == 0 ? &found : NULL) != 0) {
        return error_nomem(err);
    }
    if (status == 0) {
        *out_text = found;
    }
    return status;
}

static int note_named(struct bundle_recorder *recorder, struct str from, struct str name,
                      const struct load_library_text *found)
{
    struct strbuf key = STRBUF_INIT;
    struct str kept = keep_name(recorder, from);
    if (kept.p == NULL) {
        return E_NOMEM;
    }
    bundle_append_named(kept, name, &key);
    int status = strbuf_status(&key);
    if (status == 0) {
        status = note_find(recorder, &recorder->named, strbuf_str(&key), found);
    }
    strbuf_finish(&key);
    return status;
}

static int find_file(void *user, struct str from, struct str name,
                     struct load_library_text *out_text, struct error *err)
{
    struct bundle_recorder *recorder = user;
    const struct load_library *inner = &recorder->inner;
    struct load_library_text found = {0};
    int status = inner->find_file(inner->user, from, name, &found, err);
    if (status == E_NOMEM) {
        return status;
    }
    if (note_named(recorder, from, name, status == 0 ? &found : NULL) != 0) {
        return error_nomem(err);
    }
    if (status == 0) {
        *out_text = found;
    }
    return status;
}

static struct str id_at(void *user, size_t i)
{
    struct bundle_recorder *recorder = user;
    struct str id = recorder->inner.id_at(recorder->inner.user, i);
    if (id.n == 0 || i != recorder->id_count) {
        return id;
    }
    struct str *ids = array_reserve(recorder->ids, &recorder->id_cap, i + 1, sizeof(*ids));
    if (ids == NULL) {
        recorder->failed = true;
        return STR("");
    }
    recorder->ids = ids;
    ids[recorder->id_count++] = id;
    return id;
}

static const char *env(void *user, struct str name)
{
    struct bundle_recorder *recorder = user;
    const struct load_options *options = &recorder->options;
    const char *value = options->env != NULL ? options->env(options->user, name) : NULL;
    if (strmap_get(&recorder->names, name) != NULL) {
        return value;
    }
    struct recorded_name *noted = arena_calloc(&recorder->arena, 1, sizeof(*noted));
    struct str kept = arena_dup_str(&recorder->arena, name);
    if (noted == NULL || kept.p == NULL || strmap_add(&recorder->names, kept, noted) != 0) {
        recorder->failed = true;
        return value;
    }
    *noted = (struct recorded_name){.name = kept, .is_set = value != NULL};
    return value;
}

struct load_options bundle_recorder_init(struct bundle_recorder *recorder,
                                         const struct load_options *options)
{
    *recorder = (struct bundle_recorder){.options = *options};
    if (options->library != NULL) {
        recorder->inner = *options->library;
    }
    recorder->library = (struct load_library){.user = recorder, .find = find, .id_at = id_at};
    if (recorder->inner.find_file != NULL) {
        recorder->library.find_file = find_file;
    }
    struct load_options recording = *options;
    recording.env = env;
    recording.user = recorder;
    recording.library = options->library != NULL ? &recorder->library : NULL;
    return recording;
}

void bundle_recorder_finish(struct bundle_recorder *recorder)
{
    strmap_finish(&recorder->files);
    strmap_finish(&recorder->finds);
    strmap_finish(&recorder->named);
    strmap_finish(&recorder->names);
    arena_finish(&recorder->arena);
    free(recorder->ids);
    *recorder = (struct bundle_recorder){0};
}

/* ---- writing ---- */

/* The first field of all that is recorded is the text that it goes by. */
static int compare_text(const void *a, const void *b)
{
    return str_compare(**(const struct str *const *)a, **(const struct str *const *)b);
}

/* The values of `map` in the order of their text: free(). NULL when out of memory. */
static const void **sort_all(const struct strmap *map)
{
    const void **sorted = calloc(map->count + 1, sizeof(*sorted));
    size_t cursor = 0;
    for (size_t i = 0; sorted != NULL && i < map->count; i++) {
        sorted[i] = strmap_next(map, &cursor, NULL);
    }
    if (sorted != NULL) {
        qsort(sorted, map->count, sizeof(*sorted), compare_text);
    }
    return sorted;
}

/* Bytes that are no text are no definition either: the loader found nothing there. */
static bool is_text(const struct recorded_file *file)
{
    return utf8_valid_prefix(file->text.p, file->text.n) == file->text.n;
}

static void build_file(struct builder *b, struct str name, struct str text)
{
    builder_map_begin(b);
    builder_member_string(b, STR("name"), name);
    builder_member_string(b, STR("text"), text);
    builder_map_end(b);
}

struct sorted {
    const void **files; /* struct recorded_file */
    const void **finds; /* struct recorded_find */
    const void **named; /* likewise */
    const void **names; /* struct recorded_name */
};

static void build_files(const struct bundle_recorder *recorder, const struct sorted *sorted,
                        struct str main_name, struct str text, struct builder *b)
{
    builder_key(b, STR("files"));
    builder_list_begin(b);
    build_file(b, main_name, text);
    for (size_t i = 0; i < recorder->files.count; i++) {
        const struct recorded_file *file = sorted->files[i];
        if (is_text(file) && !str_equal(file->name, main_name)) {
            build_file(b, file->name, file->text);
        }
    }
    builder_list_end(b);
}

static void build_finds(const char *key, const void *const *finds, size_t count, struct builder *b)
{
    builder_key(b, str_from(key));
    builder_map_begin(b);
    for (size_t i = 0; i < count; i++) {
        const struct recorded_find *find = finds[i];
        if (find->file != NULL && is_text(find->file)) {
            builder_member_string(b, find->id, find->file->name);
        } else {
            builder_member_null(b, find->id);
        }
    }
    builder_map_end(b);
}

static void build_library(const struct bundle_recorder *recorder, const struct sorted *sorted,
                          struct builder *b)
{
    builder_key(b, STR("library"));
    if (recorder->inner.find == NULL) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    build_finds("finds", sorted->finds, recorder->finds.count, b);
    if (recorder->named.count > 0) {
        build_finds("named", sorted->named, recorder->named.count, b);
    }
    builder_key(b, STR("ids"));
    builder_list_begin(b);
    for (size_t i = 0; i < recorder->id_count; i++) {
        builder_string(b, recorder->ids[i]);
    }
    builder_list_end(b);
    builder_map_end(b);
}

static void build_environment(const struct bundle_recorder *recorder, const struct sorted *sorted,
                              struct builder *b)
{
    builder_key(b, STR("environment"));
    builder_map_begin(b);
    for (size_t i = 0; i < recorder->names.count; i++) {
        const struct recorded_name *name = sorted->names[i];
        builder_member_bool(b, name->name, name->is_set);
    }
    builder_map_end(b);
}

static int build(struct bundle_recorder *recorder, const struct sorted *sorted, struct str text,
                 struct document **out_document, struct error *err)
{
    const struct load_options *options = &recorder->options;
    struct str main_name = keep_name(recorder, options->file.n > 0 ? options->file : STR("-"));
    if (main_name.p == NULL) {
        return error_nomem(err);
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("bundle"), BUNDLE_FORMAT);
    builder_member_string(b, STR("id"), options->id);
    build_files(recorder, sorted, main_name, text, b);
    build_library(recorder, sorted, b);
    builder_key(b, STR("config"));
    if (options->config != NULL) {
        builder_embed(b, options->config, document_root(options->config));
    } else {
        builder_null(b);
    }
    build_environment(recorder, sorted, b);
    builder_map_end(b);
    return builder_finish(b, out_document, err);
}

static int check_size(size_t size, struct error *err)
{
    return size <= BUNDLE_MAX_BYTES
               ? 0
               : error_set(err, E_LIMIT,
                           "the definition has more than %d MiB, with the files of the library "
                           "that it may run: name the workflows that are meant",
                           BUNDLE_MAX_BYTES / (1024 * 1024));
}

static int write(struct bundle_recorder *recorder, const struct sorted *sorted, struct str text,
                 struct strbuf *out, struct error *err)
{
    cleanup_document struct document *document = NULL;
    size_t size = text.n;
    for (size_t i = 0; i < recorder->files.count; i++) {
        size += ((const struct recorded_file *)sorted->files[i])->text.n;
    }
    int status = check_size(size, err); /* before that much is copied */
    if (status == 0) {
        status = build(recorder, sorted, text, &document, err);
    }
    if (status != 0) {
        return status;
    }
    size_t before = out->n;
    json_write(document_root(document), JSON_COMPACT, out);
    status = strbuf_status(out);
    return status == 0 ? check_size(out->n - before, err) : error_nomem(err);
}

int bundle_recorder_write(struct bundle_recorder *recorder, struct str text, struct strbuf *out,
                          struct error *err)
{
    struct sorted sorted = {.files = sort_all(&recorder->files),
                            .finds = sort_all(&recorder->finds),
                            .named = sort_all(&recorder->named),
                            .names = sort_all(&recorder->names)};
    bool is_whole = !recorder->failed && sorted.files != NULL && sorted.finds != NULL &&
                    sorted.named != NULL && sorted.names != NULL;
    int status = is_whole ? write(recorder, &sorted, text, out, err) : error_nomem(err);
    free(sorted.files);
    free(sorted.finds);
    free(sorted.named);
    free(sorted.names);
    return status;
}
