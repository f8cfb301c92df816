/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder for a plugin of one's own, made of the template that the package opstream-plugin-dev
 * installs. The templates are found from the program's place, in a build tree as well.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/cli/commands.h"
#include "core/cli/template_tree.h"
#include "core/cli/terminal.h"

enum { ID_MOST_BYTES = 64, TEXT_BYTES = 256 };

static const struct command_option options[] = {
    {"lang", 0, "LANGUAGE", "c or c++ [c]", false},
    {"dir", 0, "DIR", "the folder to make; empty if it is there [ID]", false},
    {NULL, 0, NULL, NULL, false},
};

/* What a plugin begins with, by the words of the template. */
struct start {
    char package[TEXT_BYTES];
    char author[TEXT_BYTES];
    char email[TEXT_BYTES];
    char date[TEXT_BYTES];
    char year[TEXT_BYTES];
};

/* Parts of lower-case letters, digits, '_' and '-', two at least: those without a dot are ours. */
static bool is_id(const char *id)
{
    size_t dots = 0;
    bool is_start = true;
    for (const char *c = id; *c != '\0'; c++) {
        bool is_letter = *c >= 'a' && *c <= 'z';
        bool is_word = is_letter || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
        if (is_start ? !is_letter : !is_word && *c != '.') {
            return false;
        }
        is_start = *c == '.';
        dots += is_start ? 1 : 0;
    }
    return dots > 0 && !is_start && strlen(id) <= ID_MOST_BYTES;
}

/* The first that is set: names in control files end at a line's end, addresses stand in <>. */
static void copy_person(const char *const *texts, size_t count, char out[TEXT_BYTES])
{
    for (size_t i = 0; i < count; i++) {
        bool is_good = texts[i] != NULL && texts[i][0] != '\0' && strlen(texts[i]) < TEXT_BYTES &&
                       strpbrk(texts[i], "<>\r\n") == NULL;
        if (is_good) {
            (void)snprintf(out, TEXT_BYTES, "%s", texts[i]);
            return;
        }
    }
}

/* As Debian's own tools find them. */
static void find_person(struct start *start)
{
    char gecos[TEXT_BYTES] = "";
    char host[TEXT_BYTES / 2] = "localhost";
    char address[TEXT_BYTES] = "";
    const struct passwd *user = getpwuid(getuid());
    const char *login = user != NULL ? user->pw_name : "nobody";
    if (user != NULL && user->pw_gecos != NULL) {
        (void)snprintf(gecos, sizeof gecos, "%.*s", (int)strcspn(user->pw_gecos, ","),
                       user->pw_gecos);
    }
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(address, sizeof address, "%.100s@%s", login, host);
    const char *const names[] = {getenv("DEBFULLNAME"), gecos, login};
    const char *const addresses[] = {getenv("DEBEMAIL"), address};
    copy_person(names, sizeof names / sizeof names[0], start->author);
    copy_person(addresses, sizeof addresses / sizeof addresses[0], start->email);
}

static void begin(const char *id, struct start *start)
{
    *start = (struct start){0};
    (void)snprintf(start->package, sizeof start->package, "opstream-plugin-%s", id);
    for (char *c = start->package; *c != '\0'; c++) {
        *c = *c == '_' || *c == '.' ? '-' : *c; /* as package names are */
    }
    find_person(start);
    time_t now = time(NULL);
    struct tm utc = {0};
    (void)gmtime_r(&now, &utc);
    (void)strftime(start->date, sizeof start->date, "%a, %d %b %Y %H:%M:%S +0000", &utc);
    (void)strftime(start->year, sizeof start->year, "%Y", &utc);
}

/* The part before the first dot is the id of a plugin that comes with the program. */
static bool is_of_a_shipped_one(const char *id, int *out_bytes)
{
    const char *modules = NULL;
    char path[PATH_MAX];
    *out_bytes = (int)strcspn(id, ".");
    if (module_folder(&modules, NULL) != 0) {
        return false;
    }
    int length = snprintf(path, sizeof path, "%s/plugins/%.*s/%.*s.so", modules, *out_bytes, id,
                          *out_bytes, id);
    return length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
}

static int find_template(const char *language, char out[PATH_MAX])
{
    struct stat info;
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL) {
        return command_error(EXIT_STATE, "cannot find the program's own folder");
    }
    *slash = '\0';
    int length = snprintf(out, PATH_MAX, "%s/../share/opstream/template/%s", program, language);
    if (length < 0 || length >= PATH_MAX || stat(out, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return command_error(EXIT_USAGE,
                             "'%s' is not there: install the package opstream-plugin-dev", out);
    }
    return EXIT_DONE;
}

static void append_quoted(struct strbuf *out, const char *name)
{
    bool is_plain = name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_-./+")] == '\0';
    strbuf_append_text(out, is_plain ? "" : "'");
    terminal_append_safe(out, str_from(name));
    strbuf_append_text(out, is_plain ? "" : "'");
}

static int print_next(const char *id, const char *folder, size_t files)
{
    struct strbuf text = STRBUF_INIT;
    append_quoted(&text, folder);
    strbuf_append_format(&text, ": %zu files. Next:\n  cd ", files);
    append_quoted(&text, folder);
    strbuf_append_format(&text,
                         "\n"
                         "  cmake -S . -B build && cmake --build build\n"
                         "  ctest --test-dir build\n"
                         "  opstream plugin check build/plugins/%s/%s.so\n",
                         id, id);
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/* A letter of the folder's path that CMake, or what it writes for, cannot have there; 0: none. */
static char find_bad_letter(const char *folder)
{
    static const char bad[] = "#\";\\[]:|?";
    char here[PATH_MAX] = "";
    const char *found = strpbrk(folder, bad);
    if (found == NULL && folder[0] != '/' && getcwd(here, sizeof here) != NULL) {
        found = strpbrk(here, bad);
    }
    return found != NULL ? *found : '\0';
}

static int run(const struct command_args *args)
{
    const char *id = args->operands[0];
    const char *language = command_value(args, "lang");
    const char *folder = command_value(args, "dir");
    language = language != NULL ? language : "c";
    folder = folder != NULL ? folder : id;
    if (!is_id(id)) {
        return command_usage_error(args->command,
                                   "'%s' is no id for a plugin of your own: that is VENDOR.NAME, "
                                   "such as acme.issues; each part begins with a lower-case "
                                   "letter and has those, digits, '_' and '-', %d bytes in all",
                                   id, ID_MOST_BYTES);
    }
    int bytes = 0;
    if (is_of_a_shipped_one(id, &bytes)) {
        return command_usage_error(args->command,
                                   "'%s' would be of the plugin '%.*s', which comes with opstream "
                                   "and may have node types of that name some day: begin the id "
                                   "with a name of your own",
                                   id, bytes, id);
    }
    bool is_cxx = strcmp(language, "c++") == 0;
    if (!is_cxx && strcmp(language, "c") != 0) {
        return command_usage_error(args->command, "--lang: '%s' is neither 'c' nor 'c++'",
                                   language);
    }
    char bad = find_bad_letter(folder);
    if (bad != '\0') {
        return command_usage_error(args->command,
                                   "'%s' has a '%c' in its path, with which CMake cannot build: "
                                   "name another folder with --dir",
                                   folder, bad);
    }
    char template[PATH_MAX];
    int code = find_template(language, template);
    if (code != EXIT_DONE) {
        return code;
    }

    struct start start;
    begin(id, &start);
    const struct template_word words[] = {
        {"ID", str_from(id)},
        {"PACKAGE", str_from(start.package)},
        {"AUTHOR", str_from(start.author)},
        {"EMAIL", str_from(start.email)},
        {"DATE", str_from(start.date)},
        {"YEAR", str_from(start.year)},
        {"SOURCE", is_cxx ? STR("plugin.cc") : STR("plugin.c")},
        {"TESTS", is_cxx ? STR("tests.cc") : STR("tests.c")},
    };
    struct error err = {0};
    size_t files = 0;
    int status =
        template_tree_copy(template, folder, words, sizeof words / sizeof words[0], &files, &err);
    if (status != 0) {
        return command_error(status == E_EXISTS ? EXIT_USAGE : EXIT_STATE, "%s", err.message);
    }
    return print_next(id, folder, files);
}

const struct command cmd_plugin_new = {
    .name = "new",
    .parent = &cmd_plugin,
    .summary = "make a folder for a plugin of your own",
    .usage = "ID [--lang c|c++] [--dir DIR]",
    .details = "ID is VENDOR.NAME, such as acme.issues. The folder builds as it is, without\n"
               "network: two node types, their tests, a package, a file for CI. It needs the\n"
               "package opstream-plugin-dev. The name and address in its package are those of\n"
               "DEBFULLNAME and DEBEMAIL, or of the user.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
