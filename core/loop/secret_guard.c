/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_guard.h"

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/net/net.h"
#include "core/value/mask.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

/* The next name of "a,b"; empty at the end. */
static struct str next_name(struct str *names)
{
    const char *comma = names->n > 0 ? memchr(names->p, ',', names->n) : NULL;
    size_t n = comma != NULL ? (size_t)(comma - names->p) : names->n;
    struct str name = str_make(names->p, n);
    n += comma != NULL;
    *names = str_make(names->p + n, names->n - n);
    return name;
}

struct secret_names secret_guard_names(const struct secret_guard *guard)
{
    const struct integration *integration =
        pipeline_find_integration(guard->pipeline, guard->node->type->plugin);
    struct str settings = integration != NULL ? integration->secrets : STR("");
    return (struct secret_names){{guard->node->secrets, settings}};
}

bool secret_names_next(struct secret_names *names, struct str *out_name)
{
    struct str *list = names->lists[0].n > 0 ? &names->lists[0] : &names->lists[1];
    bool has_one = list->n > 0;
    if (has_one) {
        *out_name = next_name(list);
    }
    return has_one;
}

/* ---- what is sent ---- */

static bool has_any(const struct mask *mask, struct str text)
{
    struct strbuf shown = STRBUF_INIT;
    bool is_found = mask_text(mask, text, &shown) != MASK_CLEAN;
    strbuf_finish(&shown);
    return is_found;
}

/* Quick: most of what a node with secrets sends has none of them but in a header. */
static bool may_hold_any(const struct secret_guard *guard, const struct net_hop *hop)
{
    const struct mask *mask = secrets_mask(guard->secrets);
    bool is_found = mask != NULL && (has_any(mask, hop->url) || has_any(mask, hop->body));
    for (size_t i = 0; mask != NULL && !is_found && i < hop->header_count; i++) {
        is_found = has_any(mask, hop->headers[i].value) || has_any(mask, hop->headers[i].name);
    }
    return is_found;
}

/* secrets_is_in() by a name, or secrets_is_hidden_in() by a value. */
typedef bool (*is_in_fn)(struct secrets *secrets, struct str secret, struct str text);

static bool holds(const struct secret_guard *guard, const struct net_hop *hop, is_in_fn look,
                  struct str secret)
{
    bool is_in = look(guard->secrets, secret, hop->url) || look(guard->secrets, secret, hop->body);
    for (size_t i = 0; !is_in && i < hop->header_count; i++) {
        is_in = look(guard->secrets, secret, hop->headers[i].value) ||
                look(guard->secrets, secret, hop->headers[i].name);
    }
    return is_in;
}

/* ---- where it may go ---- */

static void append_host(struct strbuf *out, struct str host, uint16_t port)
{
    bool is_address6 = memchr(host.p, ':', host.n) != NULL;
    strbuf_append_format(out, is_address6 ? "[%.*s]" : "%.*s", STR_ARG(host));
    if (port != HTTP_PORT && port != HTTPS_PORT) {
        strbuf_append_format(out, ":%u", port);
    }
}

/* The command replaces the list, so it names those that are allowed already. */
static void append_cure(struct strbuf *cure, struct str name, struct str hosts,
                        const struct net_hop *hop)
{
    struct str host = STR("");
    strbuf_clear(cure);
    strbuf_append_format(cure, "to allow it: opstream secrets set %.*s --keep", STR_ARG(name));
    for (size_t i = 0; (host = secret_hosts_at(hosts, i)).n > 0; i++) {
        strbuf_append_format(cure, " --host %.*s", STR_ARG(host));
    }
    strbuf_append_text(cure, " --host ");
    append_host(cure, hop->host, hop->port);
}

static int refuse(const struct net_hop *hop, struct str name, bool is_bound, struct error *err)
{
    return error_set(err, E_INVALID, "the secret '%.*s' must not go to '%.*s:%u': %s",
                     STR_ARG(name), STR_ARG(hop->host), hop->port,
                     is_bound ? "it is bound to other hosts"
                              : "no URL that is written in the definition has this host");
}

static int check_name(const struct secret_guard *guard, const struct net_hop *hop, struct str name,
                      struct strbuf *cure, struct error *err)
{
    struct secrets_binding binding = {0};
    int status = secrets_bind(guard->secrets, name, &binding, err);
    if (status == 0) {
        struct str hosts = binding.is_bound ? strbuf_str(&binding.hosts) : guard->pipeline->hosts;
        if (!secret_hosts_allow(hosts, hop->host, hop->port)) {
            append_cure(cure, name, hosts, hop);
            status = refuse(hop, name, binding.is_bound, err);
        }
    } else if (status != E_NOMEM) {
        error_prefix(err, "where the secret '%.*s' may go is not known: ", STR_ARG(name));
        status = E_INVALID;
    }
    secrets_binding_finish(&binding);
    return status;
}

/* One that has no name to bind it by. */
static int check_hidden(const struct secret_guard *guard, const struct net_hop *hop,
                        const struct hidden_text *hidden, struct strbuf *cure, struct error *err)
{
    if (!holds(guard, hop, secrets_is_hidden_in, hidden->value) ||
        secret_hosts_allow(guard->pipeline->hosts, hop->host, hop->port)) {
        return 0;
    }
    strbuf_clear(cure);
    strbuf_append_text(cure, "to allow it, write {{ secrets.NAME }} in its place: opstream secrets "
                             "set NAME --host ");
    append_host(cure, hop->host, hop->port);
    return refuse(hop, hidden->name, false, err);
}

int secret_guard_check_hop(const struct secret_guard *guard, const struct net_hop *hop,
                           struct strbuf *cure, struct error *err)
{
    struct secret_names names = secret_guard_names(guard);
    struct str name = STR("");
    int status = 0;
    uint32_t hidden_count = guard->pipeline->hidden_count;
    bool has_none = names.lists[0].n == 0 && names.lists[1].n == 0 && hidden_count == 0;
    if (has_none || !may_hold_any(guard, hop)) {
        return 0;
    }
    while (status == 0 && secret_names_next(&names, &name)) {
        status = holds(guard, hop, secrets_is_in, name) ? check_name(guard, hop, name, cure, err)
                                                        : 0;
    }
    for (uint32_t i = 0; i < hidden_count && status == 0; i++) {
        status = check_hidden(guard, hop, &guard->pipeline->hidden[i], cure, err);
    }
    return status;
}

/* ---- child processes ---- */

static int check_process(const struct secret_guard *guard, struct str name, struct error *err)
{
    struct secrets_binding binding = {0};
    struct strbuf cure = STRBUF_INIT;
    struct str host = STR("");
    int status = secrets_bind(guard->secrets, name, &binding, err);
    if (status == 0 && binding.is_bound && !binding.allows_processes) {
        for (size_t i = 0; (host = secret_hosts_at(strbuf_str(&binding.hosts), i)).n > 0; i++) {
            strbuf_append_format(&cure, " --host %.*s", STR_ARG(host));
        }
        status =
            error_set(err, E_CONFLICT,
                      "the secret '%.*s' is bound to hosts, and a process could send it "
                      "anywhere; to allow it: opstream secrets set %.*s --keep%.*s --processes",
                      STR_ARG(name), STR_ARG(name), STR_ARG(strbuf_str(&cure)));
    }
    strbuf_finish(&cure);
    secrets_binding_finish(&binding);
    return status;
}

int secret_guard_check_process(const struct secret_guard *guard, struct error *err)
{
    struct secret_names names = secret_guard_names(guard);
    struct str name = STR("");
    int status = 0;
    while (status == 0 && secret_names_next(&names, &name)) {
        status = check_process(guard, name, err);
    }
    return status;
}
