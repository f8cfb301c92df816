/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules on what the plugin takes from libraries. The libraries that it names are loaded, in the
 * process of the rule; the plugin is not.
 */
#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/checker/elf_image.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"

enum { LIBRARIES_MOST = 256 };

/* ---- What is not the plugin's to call ---- */

struct forbidden {
    const char *names; /* with a space before and behind each */
    const char *instead;
};

static const struct forbidden forbidden[] = {
    {" fork vfork _Fork clone daemon forkpty ", "the process is not the plugin's: use ops.process"},
    {" system popen posix_spawn posix_spawnp execv execve execvp execvpe execl execle execlp "
     "fexecve execveat ",
     "children are the host's to start, limit and kill: use ops.process"},
    {" exit _exit _Exit quick_exit __cxa_at_quick_exit ",
     "it ends the process with all that others do in it: fail the task"},
    {" signal sigaction __sigaction bsd_signal sysv_signal __sysv_signal sigset sigignore "
     "siginterrupt sigaltstack sigprocmask setitimer alarm ualarm ",
     "signals are of the whole process: use ops.timer, and cancel()"},
    {" chdir fchdir chroot ", "the working folder is of the whole process: use absolute paths"},
    {" setenv unsetenv putenv clearenv ", "the environment is of the whole process"},
    {" setlocale _ZNSt6locale6globalERKS_ ", "the locale is of the whole process: use uselocale()"},
    {" umask ", "the umask is of the whole process: use fchmod()"},
    {" setuid setgid seteuid setegid setreuid setregid setresuid setresgid setgroups ",
     "the user is of the whole process"},
    {" printf vprintf puts putchar putchar_unlocked __printf_chk __vprintf_chk stdout _ZSt4cout ",
     "stdout is the host's: use ops.log"},
};

static bool names_it(const char *names, struct str name)
{
    for (const char *at = names; (at = strstr(at, " ")) != NULL && at[1] != '\0'; at++) {
        size_t n = strcspn(at + 1, " ");
        if (str_equal(str_make(at + 1, n), name)) {
            return true;
        }
    }
    return false;
}

void rule_static_imports(const struct subject *subject, struct verdict *verdict)
{
    struct elf_symbol symbol;
    for (size_t i = 0; elf_image_symbol(&subject->image, i, &symbol); i++) {
        for (size_t k = 0; !symbol.is_defined && k < sizeof forbidden / sizeof forbidden[0]; k++) {
            if (names_it(forbidden[k].names, symbol.name)) {
                verdict_fail(verdict, "it uses '%.*s': %s", STR_ARG(symbol.name),
                             forbidden[k].instead);
            }
        }
    }
}

/* ---- Versions of the C library ---- */

static bool read_number(struct str *text, unsigned *out)
{
    size_t digits = 0;
    unsigned n = 0;
    while (digits < text->n && digits < 6 && text->p[digits] >= '0' && text->p[digits] <= '9') {
        n = n * 10 + (unsigned)(text->p[digits++] - '0');
    }
    *text = str_make(text->p + digits, text->n - digits);
    *out = n;
    return digits > 0;
}

/* Names without numbers, which tell what the loader has to know, and since when it does. */
static bool find_ability(struct str name, unsigned out[2])
{
    static const struct {
        const char *name;
        unsigned since[2];
    } abilities[] = {
        {"GLIBC_ABI_DT_RELR", {2, 36}}, /* packed relocations */
    };
    for (size_t i = 0; i < sizeof abilities / sizeof abilities[0]; i++) {
        if (str_equal(name, str_from(abilities[i].name))) {
            memcpy(out, abilities[i].since, sizeof abilities[i].since);
            return true;
        }
    }
    return false;
}

/* "GLIBC_2.34", "GLIBC_2.2.5" or an ability; false: neither. */
static bool read_version(struct str name, unsigned out[2])
{
    static const char start[] = "GLIBC_";
    struct str rest = name;
    if (find_ability(name, out)) {
        return true;
    }
    if (!str_starts_with(name, STR("GLIBC_"))) {
        return false;
    }
    rest = str_make(name.p + sizeof start - 1, name.n - (sizeof start - 1));
    if (!read_number(&rest, &out[0]) || rest.n == 0 || rest.p[0] != '.') {
        return false;
    }
    rest = str_make(rest.p + 1, rest.n - 1);
    return read_number(&rest, &out[1]);
}

static bool is_newer(const unsigned a[2], const unsigned b[2])
{
    return a[0] > b[0] || (a[0] == b[0] && a[1] > b[1]);
}

/* The symbols that ask for it, so that an author finds the place. */
static void append_users(const struct subject *subject, struct str version, struct strbuf *out)
{
    struct elf_symbol symbol;
    for (size_t i = 0; elf_image_symbol(&subject->image, i, &symbol); i++) {
        if (symbol.name.n > 0 && str_equal(symbol.version, version)) {
            strbuf_append_format(out, "%s'%.*s'", out->n > 0 ? ", " : "", STR_ARG(symbol.name));
        }
    }
}

static void complain_of_version(const struct subject *subject, const struct elf_version *version,
                                struct verdict *verdict)
{
    struct strbuf users = STRBUF_INIT;
    append_users(subject, version->name, &users);
    verdict_fail(verdict, "%s needs %.*s of %.*s; it has to load with glibc %u.%u",
                 users.n > 0 ? users.p : "it", STR_ARG(version->name), STR_ARG(version->library),
                 subject->glibc[0], subject->glibc[1]);
    strbuf_finish(&users);
}

void rule_static_glibc(const struct subject *subject, struct verdict *verdict)
{
    unsigned newest[2] = {0, 0};
    for (size_t i = 0; i < subject->image.version_count; i++) {
        const struct elf_version *version = &subject->image.versions[i];
        unsigned numbers[2] = {0, 0};
        bool has_numbers = read_version(version->name, numbers);
        bool is_private = str_equal(version->name, STR("GLIBC_PRIVATE"));
        if (is_private || (has_numbers && is_newer(numbers, subject->glibc))) {
            complain_of_version(subject, version, verdict);
        }
        if (is_newer(numbers, newest)) {
            memcpy(newest, numbers, sizeof newest);
        }
    }
    if (newest[0] == 0) {
        verdict_remark(verdict, "it needs none");
    } else {
        verdict_remark(verdict, "the newest that it needs is GLIBC_%u.%u", newest[0], newest[1]);
    }
}

/* ---- Libraries and symbols ---- */

struct libraries {
    void *handles[LIBRARIES_MOST];
    size_t count;
};

/* Those that cannot be loaded are told, where `verdict` is not NULL. */
static void load_all(const struct subject *subject, struct libraries *libraries,
                     struct verdict *verdict)
{
    Elf64_Dyn entry;
    for (size_t i = 0; elf_image_dynamic(&subject->image, i, &entry); i++) {
        cleanup_free char *name = entry.d_tag == DT_NEEDED
                                      ? str_dup(elf_image_text(&subject->image, entry.d_un.d_val))
                                      : NULL;
        if (name == NULL || libraries->count == LIBRARIES_MOST) {
            continue;
        }
        void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
        if (library != NULL) {
            libraries->handles[libraries->count++] = library;
        } else if (verdict != NULL) {
            const char *why = dlerror();
            verdict_fail(verdict, "it needs '%s': %s", name, why != NULL ? why : "not found");
        }
    }
}

void rule_static_libraries(const struct subject *subject, struct verdict *verdict)
{
    struct libraries libraries = {.count = 0};
    load_all(subject, &libraries, verdict);
}

static bool is_found(const struct libraries *libraries, const struct elf_symbol *symbol)
{
    cleanup_free char *name = str_dup(symbol->name);
    cleanup_free char *version = str_dup(symbol->version);
    for (size_t i = 0; name != NULL && version != NULL && i < libraries->count; i++) {
        const void *found = version[0] != '\0' ? dlvsym(libraries->handles[i], name, version)
                                               : dlsym(libraries->handles[i], name);
        if (found != NULL) {
            return true;
        }
    }
    return false;
}

/* The C library, and with it the loader, is there in any case. */
static void add_base(struct libraries *libraries)
{
    void *library = dlopen(LIBC_SO, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    if (library != NULL && libraries->count < LIBRARIES_MOST) {
        libraries->handles[libraries->count++] = library;
    }
}

void rule_static_symbols(const struct subject *subject, struct verdict *verdict)
{
    struct libraries libraries = {.count = 0};
    struct elf_symbol symbol;
    load_all(subject, &libraries, NULL);
    add_base(&libraries);
    for (size_t i = 0; elf_image_symbol(&subject->image, i, &symbol); i++) {
        bool is_needed = !symbol.is_defined && symbol.bind == STB_GLOBAL && symbol.name.n > 0;
        if (is_needed && !is_found(&libraries, &symbol)) {
            verdict_fail(verdict, "'%.*s' is in none of the libraries that it names",
                         STR_ARG(symbol.name));
        }
    }
}
