/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/format.h"
#include "core/model/report.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static void check_map(const struct report *report, const struct tree *tree, const char *name,
                      const struct format_key *keys)
{
    const struct tree *map = format_map(tree, name);
    char quoted[32];
    (void)snprintf(quoted, sizeof(quoted), "'%s'", name);
    if (map != NULL) {
        format_check(report, map, keys, quoted, 0);
    }
}

static void check_hosts(const struct report *report, const struct tree *hosts)
{
    for (uint32_t i = 0; hosts != NULL && i < hosts->count; i++) {
        const struct tree *host = &hosts->as.items[i];
        const char *fault = tree_is_scalar(host) ? secret_hosts_fault_of(host->text) : NULL;
        if (fault != NULL) {
            report_error(report, host->place, "the host '%.*s' %s", STR_ARG(host->text), fault);
        }
    }
}

static void check_secrets(const struct report *report, const struct tree *secrets)
{
    struct secrets_variable variable;
    for (uint32_t i = 0; secrets != NULL && i < secrets->count; i++) {
        const struct tree_member *member = &secrets->as.members[i];
        char what[SECRETS_MAX_NAME_BYTES + sizeof("the secret ''")];
        if (!secrets_variable_of(member->key.text, &variable)) {
            report_error(report, member->key.place, "no secret can have the name '%.*s'",
                         STR_ARG(member->key.text));
            continue;
        }
        (void)snprintf(what, sizeof(what), "the secret '%.*s'", STR_ARG(member->key.text));
        format_check(report, &member->value, format_secret_keys, what, 0);
        check_hosts(report, format_list(&member->value, "hosts"));
        if (tree_is(&member->value, TREE_MAP) && tree_get(&member->value, STR("hosts")) == NULL &&
            !format_is_misspelt(&member->value, format_secret_keys, "hosts")) {
            report_error(report, member->key.place, "%s: 'hosts' is missing", what);
            report_hint(report, "write hosts: [api.example.com], or hosts: [] for none at all");
        }
    }
}

/* One that is not absolute would depend on where the program was started. */
static void check_folder(const struct report *report, const struct tree *tree)
{
    struct str folder = STR("");
    if (!format_text(tree, "secrets_folder", &folder) || folder.n == 0 || folder.p[0] == '/') {
        return;
    }
    report_error(report, tree_get(tree, STR("secrets_folder"))->place,
                 "'secrets_folder' must be a path from / on, not '%.*s'", STR_ARG(folder));
    report_hint(report, "write /etc/opstream/secrets, or \"\" for none");
}

static int read_tree(const struct report *report, struct arena *arena, struct tree *out_tree)
{
    int status = source_check(report, SOURCE_YAML);
    if (status != 0 || source_is_empty(report->source)) {
        return status;
    }
    status = yaml_tree_read(report, arena, out_tree);
    if (status == 0) {
        format_check(report, out_tree, format_settings_keys, "the file of settings", 0);
        check_map(report, out_tree, "retention", format_retention_keys);
        check_map(report, out_tree, "backpressure", format_backpressure_keys);
        check_map(report, out_tree, "cache", format_room_keys);
        check_secrets(report, format_map(out_tree, "secrets"));
        check_folder(report, out_tree);
    }
    return status;
}

static int write_config(const struct tree *tree, struct document **out_config)
{
    const struct tree *config = format_map(tree, "config");
    if (config == NULL) {
        *out_config = document_empty_map();
        return 0;
    }

    struct builder *b = builder_create();
    tree_write(config, NULL, NULL, b);
    return builder_finish(b, out_config, NULL);
}

/* What it says of secrets, where it says something. */
static int read_secrets(const struct tree *tree, struct settings *out)
{
    const struct tree *secrets = format_map(tree, "secrets");
    struct str folder = STR("");
    if (format_text(tree, "secrets_folder", &folder)) {
        out->secrets_folder = str_dup(folder);
        if (out->secrets_folder == NULL) {
            return E_NOMEM;
        }
    }
    if (secrets == NULL) {
        return 0;
    }
    struct builder *b = builder_create();
    tree_write(secrets, NULL, NULL, b);
    return builder_finish(b, &out->secrets, NULL);
}

static void read_backpressure(const struct tree *map, struct settings_backpressure *out)
{
    (void)format_count(map, "max_live_runs", &out->max_live_runs);           /* or the default */
    (void)format_count(map, "max_waiting_writes", &out->max_waiting_writes); /* likewise */
    (void)format_count(map, "max_memory_mb", &out->max_memory_mb);           /* likewise */
}

static void read_values(const struct tree *tree, struct settings *out)
{
    struct str sandbox = STR("");
    (void)format_text(tree, "sandbox", &sandbox); /* without: required */
    out->sandbox = str_equal(sandbox, STR("none")) ? SANDBOX_NONE : SANDBOX_REQUIRED;
    (void)format_size(format_map(tree, "cache"), "max_bytes", &out->cache_bytes); /* or not said */
    settings_read_retention(format_map(tree, "retention"), &out->retention);
    read_backpressure(format_map(tree, "backpressure"), &out->backpressure);
}

int settings_read(struct str text, const char *file, struct diagnostics *diagnostics,
                  struct settings *out_settings, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    struct settings settings = {0};
    size_t errors_before = diagnostics->error_count;
    const struct report report = {
        .diagnostics = diagnostics, .file = file, .source = text, .holds = "settings"};
    int status = read_tree(&report, &arena, &tree);
    if (status == 0) {
        read_values(&tree, &settings);
        status = write_config(&tree, &settings.config);
        status = status == 0 ? read_secrets(&tree, &settings) : status;
    }
    arena_finish(&arena);
    if (status == 0 && diagnostics->error_count > errors_before) {
        status = E_INVALID;
    }
    if (status != 0) {
        settings_finish(&settings);
        return status == E_NOMEM ? error_nomem(err)
                                 : error_set(err, status, "the settings in '%s' are wrong", file);
    }

    *out_settings = settings;
    return 0;
}

void settings_finish(struct settings *settings)
{
    document_unref(settings->config);
    document_unref(settings->secrets);
    free(settings->secrets_folder);
    *settings = (struct settings){0};
}

void settings_read_retention(const struct tree *map, struct retention *out_retention)
{
    (void)format_duration(map, "keep", &out_retention->keep_ms);               /* or not said */
    (void)format_duration(map, "keep_failed", &out_retention->keep_failed_ms); /* likewise */
    (void)format_count(map, "max_runs", &out_retention->max_runs);             /* likewise */
}

struct retention settings_merge_retention(struct retention own, struct retention site)
{
    struct retention both = {
        .keep_ms = own.keep_ms > 0 ? own.keep_ms : site.keep_ms,
        .keep_failed_ms = own.keep_failed_ms > 0 ? own.keep_failed_ms : site.keep_failed_ms,
        .max_runs = own.max_runs > 0 ? own.max_runs : site.max_runs,
    };
    both.keep_failed_ms = both.keep_failed_ms > 0 ? both.keep_failed_ms : both.keep_ms;
    return both;
}

int settings_merge(const struct document *own, const struct document *site,
                   struct document **out_both)
{
    const struct value *nearer = document_root(own);
    const struct value *farther = site != NULL ? document_root(site) : NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(nearer); i++) {
        const struct value_member *member = value_member_at(nearer, i);
        builder_key(b, value_str(&member->key));
        builder_embed(b, own, &member->value);
    }
    for (size_t i = 0; farther != NULL && i < value_count(farther); i++) {
        const struct value_member *member = value_member_at(farther, i);
        if (value_get(nearer, value_str(&member->key)) == NULL) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, site, &member->value);
        }
    }
    builder_map_end(b);
    return builder_finish(b, out_both, NULL);
}
