/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_UPLOAD_H
#define PLUGINS_SLACK_UPLOAD_H

/*
 * Upload: slack.upload_file, in the three steps that Slack asks for: an address is given, the bytes
 * go there (without the token: it is another service), then the file is put where it belongs. Only
 * the last step shows anything; which file it is about is noted before it, so that a later attempt
 * can ask whether it was done.
 *
 * Used by:  slack.
 * Uses:     step.h.
 * Threads:  [strand]
 */

#include "service/call.h"

void upload_execute(struct service_call *call);

#endif
