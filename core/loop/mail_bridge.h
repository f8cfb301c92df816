/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_MAIL_BRIDGE_H
#define CORE_LOOP_MAIL_BRIDGE_H

/*
 * Mail bridge: gives the host's ops.mail the mail of core/net, as http_bridge does with its calls:
 * secrets of the node go where they are bound alone, whether they are the credential or stand in
 * the message. The one table from replies of SMTP to what plugins hear is in mail_bridge.c.
 *
 * Used by:  loop, http_gate.
 * Uses:     host/mail.h, http_bridge, net.
 * Threads:  [loop]
 */

#include "core/loop/http_bridge.h"

struct host_mail;

/* Fills `mail` so that it sends through `bridge`, which is kept. */
void mail_bridge_init(struct host_mail *mail, struct http_bridge *bridge);

#endif
