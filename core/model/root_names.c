/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/root_names.h"

#include "core/model/pipeline.h"

static const struct root_name root_names[] = {
    {{"input", 5}, SLOT_INPUT}, {{"config", 6}, SLOT_CONFIG}, {{"run", 3}, SLOT_RUN},
    {{"event", 5}, SLOT_EVENT}, {{"now", 3}, SLOT_NOW},       {{"date", 4}, SLOT_DATE},
    {{"time", 4}, SLOT_TIME},   {{"nodes", 5}, SLOT_NODES},   {{"secrets", 7}, SLOT_SECRETS},
    {{"iter", 4}, -1},
};

/* RESERVED of CEL's grammar, with its literals and `in`. */
static const struct str cel_words[] = {
    {"as", 2},   {"break", 5},     {"const", 5}, {"continue", 8}, {"else", 4},   {"false", 5},
    {"for", 3},  {"function", 8},  {"if", 2},    {"import", 6},   {"in", 2},     {"let", 3},
    {"loop", 4}, {"namespace", 9}, {"null", 4},  {"package", 7},  {"return", 6}, {"true", 4},
    {"var", 3},  {"void", 4},      {"while", 5},
};

const struct root_name *root_names_at(size_t i)
{
    return i < sizeof(root_names) / sizeof(root_names[0]) ? &root_names[i] : NULL;
}

const struct root_name *root_names_find(struct str name)
{
    for (size_t i = 0; i < sizeof(root_names) / sizeof(root_names[0]); i++) {
        if (str_equal(name, root_names[i].name)) {
            return &root_names[i];
        }
    }
    return NULL;
}

bool root_names_is_reserved(struct str name)
{
    if (root_names_find(name) != NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof(cel_words) / sizeof(cel_words[0]); i++) {
        if (name.n == cel_words[i].n && name.p[0] == cel_words[i].p[0] &&
            str_equal(name, cel_words[i])) {
            return true;
        }
    }
    return false;
}

struct str root_names_reserved_at(size_t i)
{
    size_t roots = sizeof(root_names) / sizeof(root_names[0]);
    size_t words = sizeof(cel_words) / sizeof(cel_words[0]);
    if (i < roots) {
        return root_names[i].name;
    }
    return i - roots < words ? cel_words[i - roots] : STR("");
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool root_names_is_identifier(struct str name)
{
    if (name.n == 0 || !is_letter(name.p[0])) {
        return false;
    }
    for (size_t i = 1; i < name.n; i++) {
        if (!is_letter(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9')) {
            return false;
        }
    }
    return true;
}
