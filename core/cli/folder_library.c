/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/folder_library.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/cli/file_text.h"

enum { FILE_MAX_BYTES = 4 * 1024 * 1024, FOLDER_MAX_FILES = 10000 };

struct library_file {
    char *name; /* for messages: the folder and its own */
    char *text; /* NULL until it is needed */
    size_t size;
    size_t folder; /* its number */
    bool is_main;  /* the file that needs others, whose text is known already */
};

struct library_id {
    char *text;
    struct library_file *file;
    struct library_file *other; /* of the same folder, with the same id; or NULL */
};

void folder_library_init(struct folder_library *library, char *const *folders, size_t folder_count,
                         const char *main_file)
{
    *library = (struct folder_library){
        .folders = folders, .folder_count = folder_count, .main_file = main_file};
}

void folder_library_finish(struct folder_library *library)
{
    for (size_t i = 0; i < library->file_count; i++) {
        free(library->files[i]->name);
        free(library->files[i]->text);
        free(library->files[i]);
    }
    for (size_t i = 0; i < library->id_count; i++) {
        free(library->ids[i]->text);
        free(library->ids[i]);
    }
    for (size_t i = 0; i < library->named_count; i++) {
        free(library->named[i]->name);
        free(library->named[i]->text);
        free(library->named[i]);
    }
    free(library->files);
    free(library->named);
    free(library->ids);
    strmap_finish(&library->by_id);
    strbuf_finish(&library->trouble);
    *library = (struct folder_library){0};
}

/* ---- looking through the folders ---- */

/* Only the first is told; what it says is in two parts. */
static void note_trouble(struct folder_library *library, const char *name, const char *what,
                         const char *why)
{
    if (library->trouble_count++ == 0) {
        strbuf_append_format(&library->trouble, "'%s' %s%s", name, what, why);
    }
}

/* While the ids of one file are told. */
struct scan {
    struct folder_library *library;
    struct library_file *file;
};

static int on_id(void *user, struct str text)
{
    const struct scan *scan = user;
    struct folder_library *library = scan->library;
    struct library_id *known = strmap_get(&library->by_id, text);
    if (known != NULL) {
        bool is_doubled = known->file->folder == scan->file->folder && known->file != scan->file;
        known->other = is_doubled ? scan->file : known->other;
        return 0;
    }
    struct library_id **ids =
        array_reserve(library->ids, &library->id_cap, library->id_count + 1, sizeof(*ids));
    struct library_id *id = calloc(1, sizeof(*id));
    library->ids = ids != NULL ? ids : library->ids;
    if (ids == NULL || id == NULL) {
        free(id);
        return E_NOMEM;
    }
    ids[library->id_count++] = id;
    id->file = scan->file;
    id->text = str_dup(text);
    return id->text == NULL ? E_NOMEM : strmap_add(&library->by_id, str_from(id->text), id);
}

static int read_ids(struct folder_library *library, struct library_file *file)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    struct error err = {0};
    struct scan scan = {library, file};
    int status = file_text_read(file->name, FILE_MAX_BYTES, &text, &size, &err);
    if (status == 0) {
        status = load_ids(str_make(text, size), str_from(file->name), on_id, &scan, &err);
    }
    if (status == 0 || status == E_NOMEM) {
        return status;
    }
    note_trouble(library, file->name, "cannot be read: ", err.message);
    return 0;
}

static int add_file(struct folder_library *library, size_t folder, char *name, bool is_main)
{
    struct library_file **files =
        array_reserve(library->files, &library->file_cap, library->file_count + 1, sizeof(*files));
    struct library_file *file = calloc(1, sizeof(*file));
    library->files = files != NULL ? files : library->files;
    if (files == NULL || file == NULL) {
        free(file);
        free(name);
        return E_NOMEM;
    }
    files[library->file_count++] = file;
    *file = (struct library_file){.name = name, .folder = folder, .is_main = is_main};
    return read_ids(library, file);
}

/* The file that needs others is known by the name that was given. */
static bool is_main(const struct folder_library *library, const struct stat *info)
{
    struct stat main = {0};
    return strcmp(library->main_file, "-") != 0 && stat(library->main_file, &main) == 0 &&
           main.st_dev == info->st_dev && main.st_ino == info->st_ino;
}

/* `folder` ends with '/', or is empty. */
static int add_entry(struct folder_library *library, size_t number, const char *folder,
                     const char *entry)
{
    struct strbuf path = STRBUF_INIT;
    struct stat info = {0};
    strbuf_append_format(&path, "%s%s", folder, entry);
    char *name = strbuf_take(&path);
    if (name == NULL) {
        return E_NOMEM;
    }
    if (stat(name, &info) != 0 || !S_ISREG(info.st_mode)) {
        free(name);
        return 0;
    }
    if (!is_main(library, &info)) {
        return add_file(library, number, name, false);
    }
    free(name);
    name = str_dup(str_from(library->main_file));
    return name == NULL ? E_NOMEM : add_file(library, number, name, true);
}

static int is_definition(const struct dirent *entry)
{
    struct str name = str_from(entry->d_name);
    return name.p[0] != '.' &&
           (str_ends_with(name, STR(".yaml")) || str_ends_with(name, STR(".yml")) ||
            str_ends_with(name, STR(".json")));
}

static int scan_folder(struct folder_library *library, size_t number, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder[0] != '\0' ? folder : ".", &entries, is_definition, alphasort);
    if (count < 0) {
        note_trouble(library, folder, "cannot be read: ", strerror(errno));
        return errno == ENOMEM ? E_NOMEM : 0;
    }
    int status = 0;
    for (int i = 0; i < count; i++) {
        if (status == 0 && i < FOLDER_MAX_FILES) {
            status = add_entry(library, number, folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (count > FOLDER_MAX_FILES) {
        note_trouble(library, folder, "has more than 10,000 files", "");
    }
    free(entries);
    return status;
}

/* What of `folder` is called `name`, to be freed; NULL when out of memory. */
static char *path_in(struct str folder, struct str name)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_append_format(&path, "%.*s%s%.*s", STR_ARG(folder),
                         folder.n == 0 || str_ends_with(folder, STR("/")) ? "" : "/",
                         STR_ARG(name));
    return strbuf_take(&path);
}

static int scan_named(struct folder_library *library, size_t number, struct str folder)
{
    cleanup_free char *name = path_in(folder, STR(""));
    return name == NULL ? E_NOMEM : scan_folder(library, number, name);
}

/* The folder of a file, as the file is called: "", or "some/where/". */
static struct str folder_of(struct str file)
{
    while (file.n > 0 && file.p[file.n - 1] != '/') {
        file.n--;
    }
    return file;
}

static bool has_main_folder(const struct folder_library *library)
{
    return strcmp(library->main_file, "-") != 0;
}

static int scan_folders(struct folder_library *library)
{
    int status = 0;
    for (size_t i = 0; i < library->folder_count && status == 0; i++) {
        status = scan_named(library, i, str_from(library->folders[i]));
    }
    if (status == 0 && has_main_folder(library)) {
        status =
            scan_named(library, library->folder_count, folder_of(str_from(library->main_file)));
    }
    return status;
}

/* Nobody can mean an id that two files have: those come last, and id_at() ends before them. */
static int put_doubled_last(struct folder_library *library)
{
    struct library_id **sorted = calloc(library->id_count + 1, sizeof(*sorted));
    size_t count = 0;
    if (sorted == NULL) {
        return E_NOMEM;
    }
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < library->id_count; i++) {
            if ((library->ids[i]->other != NULL) == (pass == 1)) {
                sorted[count++] = library->ids[i];
            }
        }
    }
    free(library->ids);
    library->ids = sorted;
    library->id_cap = library->id_count + 1;
    return 0;
}

static int scan(struct folder_library *library)
{
    int status = scan_folders(library);
    library->is_scanned = true;
    return status == 0 ? put_doubled_last(library) : status;
}

/* ---- for the loader ---- */

static void append_folder(struct strbuf *folders, struct str folder)
{
    strbuf_append_format(folders, "%s%.*s", folders->n > 0 ? ", " : "",
                         STR_ARG(folder.n > 0 ? folder : STR(".")));
}

static int not_found(const struct folder_library *library, struct error *err)
{
    struct strbuf folders = STRBUF_INIT;
    bool has_own = has_main_folder(library);
    for (size_t i = 0; i < library->folder_count; i++) {
        append_folder(&folders, str_from(library->folders[i]));
    }
    if (has_own) {
        append_folder(&folders, folder_of(str_from(library->main_file)));
    }
    size_t count = library->folder_count + (has_own ? 1 : 0);
    int status =
        count == 0
            ? error_set(err, E_NOT_FOUND, "it is not in this text, and no library is searched")
            : error_set(err, E_NOT_FOUND, "the folder%s searched: %.*s%s%.*s", count > 1 ? "s" : "",
                        STR_ARG(strbuf_str(&folders)), library->trouble_count > 0 ? "; " : "",
                        STR_ARG(strbuf_str(&library->trouble)));
    strbuf_finish(&folders);
    return status;
}

static int find(void *user, struct str id, struct load_library_text *out_text, struct error *err)
{
    struct folder_library *library = user;
    int status = library->is_scanned ? 0 : scan(library);
    if (status != 0) {
        return error_nomem(err);
    }
    const struct library_id *found = strmap_get(&library->by_id, id);
    if (found == NULL) {
        return not_found(library, err);
    }
    struct library_file *file = found->file;
    if (found->other != NULL) {
        return error_set(err, E_CONFLICT, "both '%s' and '%s' have it", file->name,
                         found->other->name);
    }
    struct error why = {0};
    if (file->text == NULL && !file->is_main) {
        status = file_text_read(file->name, FILE_MAX_BYTES, &file->text, &file->size, &why);
    }
    if (status != 0) {
        return error_set(err, status == E_NOMEM ? status : E_NOT_FOUND, "%s", why.message);
    }
    out_text->file = str_from(file->name);
    out_text->text = str_make(file->text != NULL ? file->text : "", file->size);
    return 0;
}

static struct str id_at(void *user, size_t i)
{
    struct folder_library *library = user;
    if (!library->is_scanned && scan(library) != 0) {
        return STR("");
    }
    bool is_there = i < library->id_count && library->ids[i]->other == NULL;
    return is_there ? str_from(library->ids[i]->text) : STR("");
}

/* ---- files by their name ---- */

static const struct library_file *named_file(const struct folder_library *library, const char *name)
{
    for (size_t i = 0; i < library->named_count; i++) {
        const struct library_file *at = library->named[i];
        if (at->text != NULL && strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Reads the file `name`, which is taken. Fails with E_IO, E_NOMEM. */
static int read_named(struct folder_library *library, char *name,
                      const struct library_file **out_file, struct error *err)
{
    struct error why = {0};
    struct library_file **named = array_reserve(library->named, &library->named_cap,
                                                library->named_count + 1, sizeof(*named));
    struct library_file *file = calloc(1, sizeof(*file));
    library->named = named != NULL ? named : library->named;
    if (named == NULL || file == NULL) {
        free(file);
        free(name);
        return error_nomem(err);
    }
    file->name = name;
    named[library->named_count++] = file;
    int status = file_text_read(name, FILE_MAX_BYTES, &file->text, &file->size, &why);
    if (status == 0) {
        *out_file = file;
        return 0;
    }
    return error_set(err, status == E_NOMEM ? status : E_IO, "%s", why.message);
}

/* `*out_file` is NULL when `folder` has no such file. As read_named(). */
static int look_in(struct folder_library *library, struct str folder, struct str name,
                   const struct library_file **out_file, struct error *err)
{
    struct stat info = {0};
    char *path = path_in(folder, name);
    if (path == NULL) {
        return error_nomem(err);
    }
    *out_file = named_file(library, path);
    if (*out_file == NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        return read_named(library, path, out_file, err);
    }
    free(path);
    return 0;
}

/* The i-th folder to look in for a file that `from` names: its own, those of the library, and that
 * of the main file. False: it is none, or the first once more. */
static bool folder_at(const struct folder_library *library, struct str from, size_t i,
                      struct str *out_folder)
{
    struct str own = folder_of(from);
    if (i > 0 && i <= library->folder_count) {
        *out_folder = str_from(library->folders[i - 1]);
        return true;
    }
    *out_folder = i == 0 ? own : folder_of(str_from(library->main_file));
    return i == 0 ? !str_equal(from, STR("-"))
                  : has_main_folder(library) && !str_equal(*out_folder, own);
}

static int not_named(const struct folder_library *library, struct str from, struct error *err)
{
    struct strbuf folders = STRBUF_INIT;
    struct str folder = STR("");
    size_t count = 0;
    for (size_t i = 0; i < library->folder_count + 2; i++) {
        if (folder_at(library, from, i, &folder)) {
            append_folder(&folders, folder);
            count++;
        }
    }
    int status = count == 0 ? error_set(err, E_NOT_FOUND, "no folder is searched")
                            : error_set(err, E_NOT_FOUND, "the folder%s searched: %.*s",
                                        count > 1 ? "s" : "", STR_ARG(strbuf_str(&folders)));
    strbuf_finish(&folders);
    return status;
}

static int find_file(void *user, struct str from, struct str name,
                     struct load_library_text *out_text, struct error *err)
{
    struct folder_library *library = user;
    const struct library_file *file = NULL;
    struct str folder = STR("");
    int status = 0;
    if (str_starts_with(name, STR("/"))) {
        status = look_in(library, STR(""), name, &file, err);
        if (status == 0 && file == NULL) {
            return error_set(err, E_NOT_FOUND, "it is looked for nowhere else");
        }
    }
    for (size_t i = 0; i < library->folder_count + 2 && file == NULL && status == 0; i++) {
        if (folder_at(library, from, i, &folder)) {
            status = look_in(library, folder, name, &file, err);
        }
    }
    if (status != 0) {
        return status;
    }
    if (file == NULL) {
        return not_named(library, from, err);
    }
    out_text->file = str_from(file->name);
    out_text->text = str_make(file->text, file->size);
    return 0;
}

struct load_library folder_library_loader(struct folder_library *library)
{
    return (struct load_library){
        .user = library, .find = find, .id_at = id_at, .find_file = find_file};
}

struct str folder_library_text(const struct folder_library *library, const char *name)
{
    for (size_t i = 0; i < library->file_count; i++) {
        const struct library_file *at = library->files[i];
        if (at->text != NULL && strcmp(at->name, name) == 0) {
            return str_make(at->text, at->size);
        }
    }
    const struct library_file *named = named_file(library, name);
    return named != NULL ? str_make(named->text, named->size) : STR("");
}
