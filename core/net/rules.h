/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_RULES_H
#define CORE_NET_RULES_H

/*
 * Rules: which addresses a call may reach.
 *
 * They are asked twice: for the host of a URL before its name is resolved, and for each address
 * at the moment when a socket to it is opened. The second makes a name harmless that gives
 * another address each time.
 *
 * Used by:  net.
 * Uses:     base.
 * Threads:  [any]; rules never change once they are made.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;
struct net_settings;
struct net_rules;
struct sockaddr;

struct net_address {
    uint8_t size; /* 4 or 16; 0: none */
    uint8_t bytes[16];
};

/* Dotted quad or IPv6 without brackets and zone. */
bool net_address_parse(struct str text, struct net_address *out_address);
/* False for what is neither IPv4 nor IPv6. */
bool net_address_from_sockaddr(const struct sockaddr *from, struct net_address *out_address);

enum { NET_ADDRESS_TEXT_SIZE = 48 };

void net_address_format(const struct net_address *address, char out[NET_ADDRESS_TEXT_SIZE]);

/* Loopback, private, link-local, CGNAT, multicast, reserved, and all that wraps an IPv4 address. */
bool net_address_is_private(const struct net_address *address);
bool net_address_is_loopback(const struct net_address *address);

/* "10.0.0.0/8", or an address, whose `out_bits` are all. */
bool net_network_parse(struct str text, struct net_address *out_network, uint8_t *out_bits);
bool net_network_contains(const struct net_address *network, uint8_t bits,
                          const struct net_address *address);

/* Of `settings` (may be NULL) only the rules are read. Owned: net_rules_destroy().
 * Fails with E_INVALID (the message names the rule), E_NOMEM. */
int net_rules_create(const struct net_settings *settings, struct net_rules **out_rules,
                     struct error *err);
void net_rules_destroy(struct net_rules *rules);

enum net_verdict {
    NET_VERDICT_ALLOWED,
    NET_VERDICT_DENIED,   /* `deny` lists it */
    NET_VERDICT_METADATA, /* the metadata service of a cloud */
    NET_VERDICT_PRIVATE,  /* private addresses are denied, and `allow` does not list it */
};

/* The host of a URL (lower case, no brackets), whose addresses are not known. */
enum net_verdict net_rules_check_host(const struct net_rules *rules, struct str host);

/* An address that `host` has. */
enum net_verdict net_rules_check_address(const struct net_rules *rules, struct str host,
                                         const struct net_address *address);

/* "is listed under network.deny" and the like; static. */
const char *net_verdict_text(enum net_verdict verdict);

#endif
