/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_TRANSPORT_H
#define PLUGINS_NOTIFY_TRANSPORT_H

/*
 * Transport: takes a message to where its target is, by HTTP or as e-mail, and reads the answer.
 *
 * Used by:  delivery.
 * Uses:     delivery.h, email.h, service/problem.h, service/status.h.
 * Threads:  [strand]
 */

struct delivery;

/* Ends with delivery_succeed() or delivery_fail(), now or later. */
void transport_send(struct delivery *delivery);

#endif
