/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/version.h"

#include <stddef.h>
#include <string.h>

#include "core/base/build_id.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/host/manifest.h"
#include "core/host/runtime.h"
#include "core/value/value.h"

/* How a person finds out whose plugin it is. */
#define WHOSE         "plugin '%.*s' %.*s (%.*s)"
#define WHOSE_ARGS(m) STR_ARG((m)->plugin.id), STR_ARG((m)->plugin.version), STR_ARG((m)->path)

static const struct version_interface interfaces[] = {
    {OPS_IF_BUDGET, 1, &service_budget, NULL, 0},     {OPS_IF_EXEC, 1, &service_exec, NULL, 1},
    {OPS_IF_HTTP, 1, &service_http, NULL, 0},         {OPS_IF_JOB, 1, &service_job, NULL, 0},
    {OPS_IF_LOG, 1, &service_log, NULL, 1},           {OPS_IF_KV, 1, &service_kv, NULL, 0},
    {OPS_IF_MAIL, 1, &service_mail, NULL, 0},

    {OPS_IF_PROCESS, 1, &service_process, "exec", 0}, {OPS_IF_SCHEMA, 1, &service_schema, NULL, 0},
    {OPS_IF_SECRET, 1, &service_secret, NULL, 1},     {OPS_IF_TIMER, 1, &service_timer, NULL, 1},
    {OPS_IF_VALUE, 1, &service_value, NULL, 1},
};

enum { INTERFACE_COUNT = sizeof interfaces / sizeof interfaces[0] };

const struct version_interface *version_interface_at(unsigned i)
{
    return i < INTERFACE_COUNT ? &interfaces[i] : NULL;
}

static const struct version_interface *find(struct str id)
{
    for (size_t i = 0; i < INTERFACE_COUNT; i++) {
        if (str_equal_text(id, interfaces[i].id)) {
            return &interfaces[i];
        }
    }
    return NULL;
}

const struct version_interface *version_interface_find(const char *id)
{
    return find(str_from(id));
}

static int check_epoch(const struct manifest *m, struct error *err)
{
    if (m->epoch != OPS_ABI_EPOCH) {
        return error_set(
            err, E_VERSION, WHOSE " needs ABI epoch %u; this opstream %s offers %u: install %s",
            WHOSE_ARGS(m), m->epoch, OPSTREAM_VERSION, OPS_ABI_EPOCH,
            m->epoch > OPS_ABI_EPOCH ? "a newer opstream or an older plugin" : "a newer plugin");
    }
    if (m->minor_needed > OPS_ABI_MINOR) {
        return error_set(err, E_VERSION,
                         WHOSE " needs ABI %u.%u; this opstream %s offers %u.%u: install a newer "
                               "opstream or an older plugin",
                         WHOSE_ARGS(m), m->epoch, m->minor_needed, OPSTREAM_VERSION, OPS_ABI_EPOCH,
                         OPS_ABI_MINOR);
    }
    return 0;
}

static int check_interface(const struct manifest *m, const struct manifest_interface *needed,
                           struct error *err)
{
    const struct version_interface *offered = find(needed->id);
    if (offered == NULL) {
        return error_set(err, E_VERSION,
                         WHOSE " needs the interface '%.*s' %u, which this opstream %s does not "
                               "have: install a newer opstream or an older plugin",
                         WHOSE_ARGS(m), STR_ARG(needed->id), needed->version, OPSTREAM_VERSION);
    }
    if (offered->version < needed->version) {
        return error_set(err, E_VERSION,
                         WHOSE " needs the interface '%.*s' %u; this opstream %s offers %u: "
                               "install a newer opstream or an older plugin",
                         WHOSE_ARGS(m), STR_ARG(needed->id), needed->version, OPSTREAM_VERSION,
                         offered->version);
    }
    if (offered->capability != NULL && !manifest_has_capability(m, str_from(offered->capability))) {
        return error_set(err, E_PLUGIN,
                         WHOSE " needs the interface '%s', for which its manifest must ask for "
                               "the capability '%s'",
                         WHOSE_ARGS(m), offered->id, offered->capability);
    }
    return 0;
}

/* Of other names none is known; what a newer opstream may ask of one is not looked at. */
static int check_capabilities(const struct manifest *m, struct error *err)
{
    const struct value *asked = value_get(document_root(m->document), STR("capabilities"));
    for (size_t i = 0; asked != NULL && i < value_count(asked); i++) {
        struct str name = value_str(&value_member_at(asked, i)->key);
        if (!str_equal(name, STR("exec")) && !str_equal(name, STR("secret.read"))) {
            return error_set(err, E_VERSION,
                             WHOSE " needs the capability '%.*s'; this opstream %s offers 'exec' "
                                   "and 'secret.read': install a newer opstream or an older plugin",
                             WHOSE_ARGS(m), STR_ARG(name), OPSTREAM_VERSION);
        }
    }
    return 0;
}

static int check_isolation(const struct manifest *m, struct error *err)
{
    if (m->needs_process) {
        return error_set(
            err, E_PLUGIN,
            WHOSE " must run in a process of its own (\"isolation\": \"process\"), "
                  "which this opstream %s does not offer: install a newer opstream or another "
                  "build of the plugin",
            WHOSE_ARGS(m), OPSTREAM_VERSION);
    }
    return 0;
}

int version_check(const struct manifest *manifest, struct error *err)
{
    int status = check_epoch(manifest, err);
    for (size_t i = 0; status == 0 && i < manifest->interface_count; i++) {
        if (manifest->interfaces[i].is_required) {
            status = check_interface(manifest, &manifest->interfaces[i], err);
        }
    }
    if (status == 0) {
        status = check_capabilities(manifest, err);
    }
    return status == 0 ? check_isolation(manifest, err) : status;
}
