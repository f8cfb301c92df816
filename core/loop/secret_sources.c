/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_sources.h"

#include <dirent.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/loop/secret_files.h"
#include "core/loop/secret_keys.h"
#include "core/loop/secret_store.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum source_file { CREDENTIALS, FOLDER, FILE_SOURCES };

struct secret_sources {
    char *credentials;
    char *folder;
    bool is_folder_asked_for;
    struct secret_store *store;
    struct document *bindings;
};

static struct secret_files files_at(const struct secret_sources *sources, enum source_file which)
{
    if (which == CREDENTIALS) {
        return (struct secret_files){
            .folder = sources->credentials, .label = "the credentials", .is_asked_for = true};
    }
    return (struct secret_files){.folder = sources->folder,
                                 .label = "the folder",
                                 .is_asked_for = sources->is_folder_asked_for};
}

int secret_sources_create(const struct secret_sources_options *options,
                          struct secret_sources **out_sources, struct error *err)
{
    struct secret_sources *sources = calloc(1, sizeof(*sources));
    if (sources == NULL) {
        return error_nomem(err);
    }
    int status = 0;
    if (options->credentials != NULL) {
        sources->credentials = str_dup(str_from(options->credentials));
        status = sources->credentials != NULL ? 0 : error_nomem(err);
    }
    if (status == 0 && options->state != NULL) {
        status = secret_store_create(options->state, options->credentials, &sources->store, err);
    }
    if (status == 0) {
        status = secret_sources_configure(sources, NULL, NULL, err);
    }
    if (status != 0) {
        secret_sources_destroy(sources);
        return status;
    }
    *out_sources = sources;
    return 0;
}

void secret_sources_destroy(struct secret_sources *sources)
{
    if (sources == NULL) {
        return;
    }
    secret_store_destroy(sources->store);
    document_unref(sources->bindings);
    free(sources->credentials);
    free(sources->folder);
    free(sources);
}

int secret_sources_configure(struct secret_sources *sources, const char *folder,
                             const struct document *bindings, struct error *err)
{
    const char *named = folder != NULL ? folder : SECRET_SOURCES_FOLDER;
    char *copy = named[0] != '\0' ? str_dup(str_from(named)) : NULL;
    if (named[0] != '\0' && copy == NULL) {
        return error_nomem(err);
    }
    free(sources->folder);
    sources->folder = copy;
    sources->is_folder_asked_for = folder != NULL;
    document_unref(sources->bindings);
    sources->bindings = bindings != NULL ? document_ref(bindings) : NULL;
    return 0;
}

/* ---- what is asked ---- */

static int read_all(void *user, struct str name, uint64_t known,
                    struct secrets_reading *out_reading, struct error *err)
{
    struct secret_sources *sources = user;
    int status = SECRETS_ABSENT;
    for (int i = 0; i < FILE_SOURCES && status == SECRETS_ABSENT; i++) {
        const struct secret_files files = files_at(sources, (enum source_file)i);
        status = secret_files_read(&files, name, known, out_reading, err);
    }
    if (status == SECRETS_ABSENT && sources->store != NULL) {
        status = secret_store_read(sources->store, name, known, out_reading, err);
    }
    return status;
}

static const struct value *binding_of(const struct secret_sources *sources, struct str name)
{
    const struct value *map = sources->bindings != NULL ? document_root(sources->bindings) : NULL;
    struct secrets_variable wanted;
    struct secrets_variable found;
    if (map == NULL || !secrets_variable_of(name, &wanted)) {
        return NULL;
    }
    for (size_t i = 0; i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        if (secrets_variable_of(value_str(&member->key), &found) &&
            strcmp(wanted.text, found.text) == 0) {
            return &member->value;
        }
    }
    return NULL;
}

/* The settings have been checked when they were read. */
static void bind_by_settings(const struct secret_sources *sources, struct str name,
                             struct secrets_binding *binding)
{
    const struct value *said = binding_of(sources, name);
    const struct value *hosts = said != NULL ? value_get(said, STR("hosts")) : NULL;
    const struct value *processes = said != NULL ? value_get(said, STR("processes")) : NULL;
    for (size_t i = 0; value_is(hosts, VALUE_LIST) && i < value_count(hosts); i++) {
        secret_hosts_add(&binding->hosts, value_str(value_at(hosts, i)));
    }
    binding->is_bound = binding->is_bound || value_is(hosts, VALUE_LIST);
    binding->allows_processes = binding->allows_processes ||
                                (value_is(processes, VALUE_BOOL) && value_bool(processes));
}

static int bind(void *user, struct str name, struct secrets_binding *binding, struct error *err)
{
    struct secret_sources *sources = user;
    bind_by_settings(sources, name, binding);
    return sources->store != NULL ? secret_store_bind(sources->store, name, binding, err) : 0;
}

static void append_places(void *user, struct str name, struct strbuf *out)
{
    const struct secret_sources *sources = user;
    const char *last = sources->store != NULL ? secret_store_path(sources->store) : NULL;
    (void)name; /* it is looked for under itself everywhere */
    for (int i = 0; i < FILE_SOURCES; i++) {
        const struct secret_files files = files_at(sources, (enum source_file)i);
        if (files.folder != NULL) {
            strbuf_append_format(out, ", %s '%s'", files.label, files.folder);
        }
    }
    if (last != NULL) {
        strbuf_append_format(out, " and the store '%s'", last);
    }
}

struct secrets_source secret_sources_table(struct secret_sources *sources)
{
    return (struct secrets_source){
        .user = sources, .read = read_all, .bind = bind, .append_places = append_places};
}

struct secret_store *secret_sources_store(struct secret_sources *sources)
{
    return sources->store;
}

void secret_sources_append_said(struct secret_sources *sources, struct str name,
                                struct secrets_binding *binding)
{
    struct secret_entry entry;
    bind_by_settings(sources, name, binding);
    for (size_t i = 0; sources->store != NULL && secret_store_at(sources->store, i, &entry); i++) {
        struct str host = STR("");
        for (size_t k = 0; secret_store_same_name(entry.name, name) &&
                           (host = secret_hosts_at(entry.hosts, k)).n > 0;
             k++) {
            secret_hosts_add(&binding->hosts, host);
            binding->is_bound = true;
            binding->allows_processes = binding->allows_processes || entry.allows_processes;
        }
    }
}

/* ---- all there are ---- */

static int each_in(const struct secret_files *files, secret_sources_cb cb, void *user)
{
    struct secrets_variable variable;
    DIR *folder = files->folder != NULL ? opendir(files->folder) : NULL;
    const struct dirent *entry = NULL;
    int status = 0;
    while (status == 0 && folder != NULL && (entry = readdir(folder)) != NULL) {
        struct str name = str_from(entry->d_name);
        if (entry->d_name[0] == '.' || !secrets_variable_of(name, &variable) ||
            strcmp(entry->d_name, SECRET_KEYS_CREDENTIAL) == 0) {
            continue;
        }
        struct strbuf path = STRBUF_INIT;
        strbuf_append_format(&path, "%s/%s", files->folder, entry->d_name);
        status = strbuf_status(&path);
        status = status == 0 ? cb(user, name, files->label, path.p) : status;
        strbuf_finish(&path);
    }
    if (folder != NULL) {
        (void)closedir(folder); /* it was only read */
    }
    return status;
}

int secret_sources_each_file(const struct secret_sources *sources, secret_sources_cb cb, void *user)
{
    int status = 0;
    for (int i = 0; i < FILE_SOURCES && status == 0; i++) {
        const struct secret_files files = files_at(sources, (enum source_file)i);
        status = each_in(&files, cb, user);
    }
    return status;
}
