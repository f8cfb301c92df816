/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/entry.h"

#include "core/api/loopback.h"

static bool is_for_all(const struct api_request *request)
{
    bool is_reading = str_equal_text(request->method, "GET") ||
                      str_equal_text(request->method, "HEAD");
    return is_reading &&
           (str_equal_text(request->path, "/ping") || str_equal_text(request->path, "/health") ||
            str_equal_text(request->path, "/metrics"));
}

const char *entry_refuse(const struct api_request *request, uint32_t owner_uid)
{
    if (request->origin.p != NULL) {
        return "requests of web pages (with Origin) are refused";
    }
    if (!loopback_is_host(request->host)) {
        return "the Host header must name this machine: 127.0.0.1, [::1] or localhost";
    }
    if (request->peer_uid != owner_uid && request->peer_uid != 0 && !is_for_all(request)) {
        return "only the owner of the state folder and root may ask this";
    }
    return NULL;
}
