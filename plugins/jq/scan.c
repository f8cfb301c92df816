/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <stddef.h>
#include <string.h>

/* Deeper nesting than this is refused by jq itself. */
enum { NESTING_MAX = 256 };

static const struct {
    const char *name;
    const char *cure;
} refused[] = {
    {"env", "give the value in 'input'"},
    {"$ENV", "give the value in 'input'"},
    {"input", "the one input is '.'"},
    {"inputs", "the one input is '.'"},
    {"import", "write the functions into the program"},
    {"include", "write the functions into the program"},
    {"modulemeta", "there are no modules"},
    {"get_search_list", "there are no modules"},
    {"debug", "put the value into the result"},
    {"stderr", "put the value into the result"},
    {"input_filename", "there is no input file"},
    {"input_line_number", "there is no input file"},
    {"halt", "use 'empty' or 'error'"},
    {"halt_error", "use 'error'"},
};

/* Each open bracket, and '"' for a text that an interpolation stands in. */
struct scanner {
    ops_str program;
    size_t at;
    char open[NESTING_MAX];
    size_t depth;
    char before; /* the last character that is no white space, before the present token */
};

static int is_name_begin(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_name(char c)
{
    return is_name_begin(c) || (c >= '0' && c <= '9');
}

static char peek(const struct scanner *s, size_t at)
{
    return at < s->program.n ? s->program.p[at] : '\0';
}

static size_t skip_space(const struct scanner *s, size_t at)
{
    while (at < s->program.n && strchr(" \t\r\n", s->program.p[at]) != NULL) {
        at++;
    }
    return at;
}

/* From inside a text to behind its end, or into an interpolation. */
static void scan_text(struct scanner *s)
{
    while (s->at < s->program.n) {
        char c = s->program.p[s->at++];
        if (c == '"') {
            s->before = '"';
            return;
        }
        if (c != '\\' || s->at >= s->program.n) {
            continue;
        }
        if (s->program.p[s->at++] == '(' && s->depth < NESTING_MAX) {
            s->open[s->depth++] = '"';
            s->before = '(';
            return;
        }
    }
}

static void scan_mark(struct scanner *s, char c)
{
    s->at++;
    s->before = c;
    if (strchr("([{", c) != NULL && s->depth < NESTING_MAX) {
        s->open[s->depth++] = c;
    } else if (strchr(")]}", c) != NULL && s->depth > 0) {
        s->depth--;
        if (c == ')' && s->open[s->depth] == '"') {
            scan_text(s);
        }
    }
}

/* {name: ...} and {name}, {name, ...} name a key, not a function. */
static int is_key(const struct scanner *s, size_t end)
{
    size_t next = skip_space(s, end);
    char after = peek(s, next);
    if (s->depth == 0 || s->open[s->depth - 1] != '{' || (s->before != '{' && s->before != ',')) {
        return 0;
    }
    return (after == ':' && peek(s, next + 1) != ':') || after == ',' || after == '}';
}

static const char *cure_for(ops_str name)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (name.n == strlen(refused[i].name) && memcmp(name.p, refused[i].name, name.n) == 0) {
            return refused[i].cure;
        }
    }
    return NULL;
}

/* A name, maybe with its '$'. The cure when it is refused. */
static const char *scan_name(struct scanner *s, ops_str *out_name)
{
    size_t begin = s->at;
    s->at++;
    while (s->at < s->program.n && is_name(s->program.p[s->at])) {
        s->at++;
    }
    int is_field = begin > 0 && s->program.p[begin - 1] == '.';
    int is_harmless = is_field || is_key(s, s->at);
    s->before = 'a';
    *out_name = (ops_str){s->program.p + begin, s->at - begin};
    return is_harmless ? NULL : cure_for(*out_name);
}

static uint32_t line_at(ops_str program, const char *p)
{
    uint32_t line = 1;
    for (const char *at = program.p; at < p; at++) {
        line += *at == '\n';
    }
    return line;
}

struct scan_finding scan_program(ops_str program)
{
    struct scanner s = {.program = program};
    while (s.at < program.n) {
        char c = program.p[s.at];
        int is_variable = c == '$' && is_name_begin(peek(&s, s.at + 1));
        if (is_name_begin(c) || is_variable) {
            ops_str name = {NULL, 0};
            const char *cure = scan_name(&s, &name);
            if (cure != NULL) {
                return (struct scan_finding){name, cure, line_at(program, name.p)};
            }
        } else if (c == '#') {
            while (s.at < program.n && program.p[s.at] != '\n') {
                s.at++;
            }
        } else if (c == '"') {
            s.at++;
            scan_text(&s);
        } else if (strchr(" \t\r\n", c) != NULL) {
            s.at++;
        } else {
            scan_mark(&s, c);
        }
    }
    return (struct scan_finding){{NULL, 0}, NULL, 0};
}
