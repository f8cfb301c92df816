/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/mail_address.h"

#include "core/base/error.h"

enum { LOCAL_BYTES = 64, LABEL_BYTES = 63, SHOWN_BYTES = 80 };

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* NULL: it is a dot-atom. */
static const char *local_fault(struct str local)
{
    if (local.n == 0 || local.n > LOCAL_BYTES) {
        return "has 1 to 64 bytes before the '@'";
    }
    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];
        bool is_dot = c == '.' && i > 0 && i + 1 < local.n && local.p[i - 1] != '.';
        if ((unsigned char)c > '~') {
            return "has letters beyond ASCII before the '@', which servers take from few";
        }
        if (!is_alphanumeric(c) && !is_dot &&
            (c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL)) {
            return "has letters, digits, and single dots and signs such as '-' before the '@'";
        }
    }
    return NULL;
}

static const char *domain_fault(struct str domain)
{
    size_t label = 0;
    if (domain.n == 0) {
        return "has no domain behind the '@'";
    }
    for (size_t i = 0; i <= domain.n; i++) {
        char c = i < domain.n ? domain.p[i] : '.';
        if ((unsigned char)c > '~') {
            return "has a domain beyond ASCII: write it as xn--...";
        }
        if (c == '.') {
            if (label == 0 || label > LABEL_BYTES || domain.p[i - 1] == '-') {
                return "has a domain that DNS cannot have";
            }
            label = 0;
        } else if (is_alphanumeric(c) || (c == '-' && label > 0)) {
            label++;
        } else {
            return "has a domain that DNS cannot have";
        }
    }
    return NULL;
}

static const char *name_fault(struct str name)
{
    if (name.n > MAIL_NAME_BYTES) {
        return "has a name of more than 200 bytes";
    }
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < ' ' || c == 0x7F) {
            return "has a control character or a line end in its name";
        }
        if (strchr("<>\"\\", c) != NULL) {
            return "has one of < > \" \\ in its name";
        }
    }
    return NULL;
}

/* Splits "name <address>"; without '<' all of it is the address. */
static const char *split(struct str text, struct mail_address *out)
{
    const char *open = text.n > 0 ? memrchr(text.p, '<', text.n) : NULL;
    *out = (struct mail_address){.address = text};
    if (open != NULL) {
        size_t before = (size_t)(open - text.p);
        if (text.p[text.n - 1] != '>') {
            return "ends with '>' where it has '<'";
        }
        out->name = str_trim(str_make(text.p, before));
        out->address = str_make(open + 1, text.n - before - 2);
        struct str name = out->name;
        if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"') {
            out->name = str_make(name.p + 1, name.n - 2);
        }
    }
    const char *at = out->address.n > 0 ? memrchr(out->address.p, '@', out->address.n) : NULL;
    if (at == NULL) {
        return "has no '@'";
    }
    size_t local = (size_t)(at - out->address.p);
    out->domain = str_make(at + 1, out->address.n - local - 1);
    return NULL;
}

int mail_address_read(struct str text, const char *field, struct mail_address *out,
                      struct error *err)
{
    struct mail_address read;
    struct str trimmed = str_trim(text);
    const char *fault = split(trimmed, &read);
    if (fault == NULL && read.address.n > MAIL_ADDRESS_BYTES) {
        fault = "is longer than 254 bytes";
    }
    if (fault == NULL) {
        fault = name_fault(read.name);
    }
    if (fault == NULL) {
        fault = local_fault(str_make(read.address.p, read.address.n - read.domain.n - 1));
    }
    if (fault == NULL) {
        fault = domain_fault(read.domain);
    }
    if (fault != NULL) {
        size_t n = trimmed.n < SHOWN_BYTES ? trimmed.n : SHOWN_BYTES;
        return error_set(err, E_INVALID, "'%s': '%.*s' is no address of e-mail: such a one %s",
                         field, (int)n, trimmed.n > 0 ? trimmed.p : "", fault);
    }
    *out = read;
    return 0;
}
