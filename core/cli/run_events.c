/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_events.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/cli/command.h"
#include "core/loop/loop.h"
#include "core/value/json.h"
#include "core/value/value.h"

void run_events_finish(struct run_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        document_unref(events->items[i].data);
    }
    free(events->items);
    *events = (struct run_events){0};
}

static int read_data(struct str name, const char *text, const struct document **out_data)
{
    struct document *data = NULL;
    struct error err = {0};
    if (json_read(str_from(text), NULL, &data, &err) != 0) {
        return command_error(err.code == E_NOMEM ? EXIT_STATE : EXIT_USAGE,
                             "--send %.*s: the data is not JSON: %s (text is written as "
                             "--send '%.*s=\"text\"')",
                             STR_ARG(name), err.message, STR_ARG(name));
    }
    *out_data = data;
    return EXIT_DONE;
}

static int read_event(const char *text, struct loop_event *out_event)
{
    size_t n = strcspn(text, "=");
    const struct document *data = NULL;
    struct str name = str_make(text, n);
    if (n == 0) {
        return command_error(EXIT_USAGE, "--send '%s': the event has no name", text);
    }
    if (utf8_valid_prefix(text, n) < n) {
        return command_error(EXIT_USAGE, "--send '%s': not UTF-8", text);
    }
    int code = text[n] == '=' ? read_data(name, text + n + 1, &data) : EXIT_DONE;
    if (code == EXIT_DONE) {
        *out_event = (struct loop_event){.name = name, .data = data};
    }
    return code;
}

int run_events_read(const struct command_args *args, struct run_events *out_events)
{
    struct run_events events = {0};
    size_t count = 0;
    while (command_value_at(args, "send", count) != NULL) {
        count++;
    }
    events.items = calloc(count + 1, sizeof(*events.items));
    if (events.items == NULL) {
        return command_error(EXIT_STATE, "out of memory");
    }
    for (; events.count < count; events.count++) {
        const char *text = command_value_at(args, "send", events.count);
        int code = read_event(text, &events.items[events.count]);
        if (code != EXIT_DONE) {
            run_events_finish(&events);
            return code;
        }
    }
    *out_events = events;
    return EXIT_DONE;
}
