/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/error.h"
#include "core/net/net.h"

struct network {
    struct net_address address;
    uint8_t bits;
};

struct rule {
    struct network network; /* address.size 0: a name */
    char *name;             /* lower case, without "*." */
    bool is_below;          /* "*.": the names below it */
};

struct rule_list {
    struct rule *items;
    size_t count;
};

struct net_rules {
    bool denies_private;
    struct rule_list allow;
    struct rule_list deny;
};

/* The special-purpose registries of IANA, and multicast. */
static const char *const private_networks[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",         "::ffff:0:0/96",   "64:ff9b::/96",   "64:ff9b:1::/48", "100::/64",
    "2001::/23",     "2001:db8::/32",   "2002::/16",      "fc00::/7",       "fe80::/10",
    "fec0::/10",     "ff00::/8",
};

static const char *const metadata_addresses[] = {"169.254.169.254", "fd00:ec2::254"};

/* Networks that hold an IPv4 address, and at which byte. */
static const struct {
    const char *network;
    uint8_t at;
} wrappers[] = {
    {"::/96", 12},          {"::ffff:0:0/96", 12}, {"64:ff9b::/96", 12},
    {"64:ff9b:1::/96", 12}, {"2002::/16", 2},
};

bool net_address_parse(struct str text, struct net_address *out_address)
{
    char copy[NET_ADDRESS_TEXT_SIZE];
    if (text.n == 0 || text.n >= sizeof copy) {
        return false;
    }

    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    struct net_address address = {0};
    if (strlen(copy) != text.n) {
        return false;
    }
    if (inet_pton(AF_INET, copy, address.bytes) == 1) {
        address.size = 4;
    } else if (inet_pton(AF_INET6, copy, address.bytes) == 1) {
        address.size = 16;
    } else {
        return false;
    }

    *out_address = address;
    return true;
}

bool net_address_from_sockaddr(const struct sockaddr *from, struct net_address *out_address)
{
    struct net_address address = {0};
    if (from->sa_family == AF_INET) {
        address.size = 4;
        memcpy(address.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        address.size = 16;
        memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    } else {
        return false;
    }

    *out_address = address;
    return true;
}

void net_address_format(const struct net_address *address, char out[NET_ADDRESS_TEXT_SIZE])
{
    int family = address->size == 4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, address->bytes, out, NET_ADDRESS_TEXT_SIZE) == NULL) {
        out[0] = '\0';
    }
}

bool net_network_parse(struct str text, struct net_address *out_network, uint8_t *out_bits)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    struct str base = slash != NULL ? str_make(text.p, (size_t)(slash - text.p)) : text;
    struct net_address network;
    if (!net_address_parse(base, &network)) {
        return false;
    }

    unsigned bits = network.size * 8u;
    if (slash != NULL) {
        struct str digits = str_make(slash + 1, text.n - base.n - 1);
        if (digits.n == 0 || digits.n > 3) {
            return false;
        }
        bits = 0;
        for (size_t i = 0; i < digits.n; i++) {
            if (digits.p[i] < '0' || digits.p[i] > '9') {
                return false;
            }
            bits = bits * 10 + (unsigned)(digits.p[i] - '0');
        }
        if (bits > network.size * 8u) {
            return false;
        }
    }

    *out_network = network;
    *out_bits = (uint8_t)bits;
    return true;
}

bool net_network_contains(const struct net_address *network, uint8_t bits,
                          const struct net_address *address)
{
    if (network->size != address->size) {
        return false;
    }

    size_t whole = bits / 8u;
    if (memcmp(network->bytes, address->bytes, whole) != 0) {
        return false;
    }

    unsigned rest = bits % 8u;
    unsigned mask = (0xFF00u >> rest) & 0xFFu;
    return rest == 0 || ((network->bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

static bool text_contains(const char *network_text, const struct net_address *address)
{
    struct net_address network;
    uint8_t bits;
    return net_network_parse(str_from(network_text), &network, &bits) &&
           net_network_contains(&network, bits, address);
}

bool net_address_is_private(const struct net_address *address)
{
    for (size_t i = 0; i < sizeof private_networks / sizeof private_networks[0]; i++) {
        if (text_contains(private_networks[i], address)) {
            return true;
        }
    }
    return false;
}

bool net_address_is_loopback(const struct net_address *address)
{
    return text_contains("127.0.0.0/8", address) || text_contains("::1", address);
}

/* The IPv4 address inside of an IPv6 one; size 0 when there is none. */
static struct net_address unwrap(const struct net_address *address)
{
    struct net_address inner = {0};
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        if (text_contains(wrappers[i].network, address)) {
            inner.size = 4;
            memcpy(inner.bytes, address->bytes + wrappers[i].at, 4);
            break;
        }
    }
    return inner;
}

static bool is_metadata(const struct net_address *address)
{
    for (size_t i = 0; i < sizeof metadata_addresses / sizeof metadata_addresses[0]; i++) {
        if (text_contains(metadata_addresses[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool is_legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                        (c == '.' && i > 0 && text.p[i - 1] != '.');
        if (!is_legal) {
            return false;
        }
    }
    return text.n > 0 && text.n <= 253 && text.p[text.n - 1] != '.';
}

static int rule_init(struct rule *rule, const char *text, struct error *err)
{
    struct str rest = str_from(text);
    if (net_network_parse(rest, &rule->network.address, &rule->network.bits)) {
        return 0;
    }
    if (str_starts_with(rest, STR("*."))) {
        rule->is_below = true;
        rest = str_make(rest.p + 2, rest.n - 2);
    }

    rule->name = str_dup(rest);
    if (rule->name == NULL) {
        return error_nomem(err);
    }

    for (char *c = rule->name; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    if (!is_name(str_from(rule->name)) || strspn(rule->name, "0123456789.") == rest.n) {
        return error_set(err, E_INVALID,
                         "network rule '%s' is no address, no network ('10.0.0.0/8') and no host "
                         "name ('example.com', '*.example.com')",
                         text);
    }
    return 0;
}

static void list_finish(struct rule_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
    }
    free(list->items);
}

static int list_init(struct rule_list *list, const char *const *texts, size_t count,
                     struct error *err)
{
    if (count == 0) {
        return 0;
    }

    list->items = calloc(count, sizeof *list->items);
    if (list->items == NULL) {
        return error_nomem(err);
    }

    list->count = count;
    for (size_t i = 0; i < count; i++) {
        int status = rule_init(&list->items[i], texts[i], err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static bool rule_names(const struct rule *rule, struct str host)
{
    if (rule->name == NULL) {
        return false;
    }

    struct str name = str_from(rule->name);
    if (!rule->is_below) {
        return str_equal(name, host);
    }
    return host.n > name.n + 1 && str_ends_with(host, name) && host.p[host.n - name.n - 1] == '.';
}

static bool list_names(const struct rule_list *list, struct str host)
{
    for (size_t i = 0; i < list->count; i++) {
        if (rule_names(&list->items[i], host)) {
            return true;
        }
    }
    return false;
}

static bool list_contains(const struct rule_list *list, const struct net_address *address,
                          uint8_t min_bits)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct network *network = &list->items[i].network;
        if (network->address.size != 0 && network->bits >= min_bits &&
            net_network_contains(&network->address, network->bits, address)) {
            return true;
        }
    }
    return false;
}

int net_rules_create(const struct net_settings *settings, struct net_rules **out_rules,
                     struct error *err)
{
    static const struct net_settings none = {0};
    settings = settings != NULL ? settings : &none;
    struct net_rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL) {
        return error_nomem(err);
    }

    rules->denies_private = settings->private_addresses == NET_PRIVATE_DENY;
    int status = list_init(&rules->allow, settings->allow, settings->allow_count, err);
    if (status == 0) {
        status = list_init(&rules->deny, settings->deny, settings->deny_count, err);
    }
    if (status != 0) {
        net_rules_destroy(rules);
        return status;
    }

    *out_rules = rules;
    return 0;
}

void net_rules_destroy(struct net_rules *rules)
{
    if (rules == NULL) {
        return;
    }

    list_finish(&rules->allow);
    list_finish(&rules->deny);
    free(rules);
}

enum net_verdict net_rules_check_host(const struct net_rules *rules, struct str host)
{
    return list_names(&rules->deny, host) ? NET_VERDICT_DENIED : NET_VERDICT_ALLOWED;
}

enum net_verdict net_rules_check_address(const struct net_rules *rules, struct str host,
                                         const struct net_address *address)
{
    struct net_address inner = unwrap(address);
    if (list_names(&rules->deny, host) || list_contains(&rules->deny, address, 0) ||
        (inner.size != 0 && list_contains(&rules->deny, &inner, 0))) {
        return NET_VERDICT_DENIED;
    }
    if ((is_metadata(address) || (inner.size != 0 && is_metadata(&inner))) &&
        !list_contains(&rules->allow, address, (uint8_t)(address->size * 8u))) {
        return NET_VERDICT_METADATA;
    }
    if (!rules->denies_private || list_names(&rules->allow, host) ||
        list_contains(&rules->allow, address, 0)) {
        return NET_VERDICT_ALLOWED;
    }
    return net_address_is_private(address) ? NET_VERDICT_PRIVATE : NET_VERDICT_ALLOWED;
}

const char *net_verdict_text(enum net_verdict verdict)
{
    switch (verdict) {
    case NET_VERDICT_ALLOWED:
        return "is allowed";
    case NET_VERDICT_DENIED:
        return "is listed under 'network.deny'";
    case NET_VERDICT_METADATA:
        return "is the metadata service of a cloud";
    case NET_VERDICT_PRIVATE:
        return "is a private address";
    }
    return "is refused";
}
