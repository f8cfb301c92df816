/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/listen_settings.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/cli/command.h"

enum { MOST_DIGITS = 5 };

/* NULL: it is not set, or empty, which is as good. */
static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static int parse_port(const char *text, const char *name, uint16_t *out_port, struct error *err)
{
    size_t n = strlen(text);
    bool is_number = n > 0 && n <= MOST_DIGITS && strspn(text, "0123456789") == n;
    unsigned long port = is_number ? strtoul(text, NULL, 10) : UINT16_MAX + 1UL;
    if (port > UINT16_MAX) {
        return error_set(err, E_INVALID, "%s must be a port, 0 to 65535, not '%.100s'", name, text);
    }
    *out_port = (uint16_t)port;
    return 0;
}

int listen_settings_read(struct listen_settings *settings, const struct command_args *args,
                         struct error *err)
{
    const char *port = command_value(args, "port");
    const char *host = command_value(args, "host");
    struct listen_settings read = {.host = host, .host_name = "--host"};
    const char *port_name = "--port";
    if (port == NULL) {
        port = variable("PORT");
        port_name = "PORT";
        if (port == NULL && host != NULL) {
            return error_set(err, E_INVALID, "--host needs --port");
        }
        if (host == NULL) {
            read.host = variable("HOST");
            read.host_name = "HOST";
        }
    }
    read.is_wanted = port != NULL;
    int status = port != NULL ? parse_port(port, port_name, &read.port, err) : 0;
    if (status == 0) {
        read.host = read.host != NULL ? read.host : "127.0.0.1";
        *settings = read;
    }
    return status;
}
