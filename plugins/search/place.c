/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "index.h"

enum { IDLE_MAX = 4, LOOK_MS = 5, LOOK_AGAIN_MS = 50 };

struct place {
    struct place *next;
    struct index *idle;
    uint32_t idle_count;
    uint32_t taken_count;
    int is_writing;
    int lock_fd; /* of the file beside the index; -1: not open yet */
    char file[]; /* empty: in memory */
};

/* Guards all below, and the members of places but those that never change. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct place *first_place;

static int is_over(const struct place_wait *wait, const char *file, struct fault *fault)
{
    if (ops.exec->cancelled(ops.h, wait->task)) {
        return !fault_set(fault, OPS_E_CANCELLED, "search.cancelled", "cancelled");
    }
    if (ops.timer->now_ns(ops.h) >= wait->until_ns) {
        (void)fault_set(fault, OPS_E_UNAVAILABLE, "search.busy",
                        "the index '%s' was in use for too long", file);
        fault->hint = "index less at once, or raise 'wait_ms' in integrations.search";
        return 1;
    }
    return 0;
}

int place_wait_more(const struct place_wait *wait, const char *file, struct fault *fault)
{
    static const struct timespec moment = {.tv_nsec = LOOK_MS * 1000000L};
    if (is_over(wait, file, fault)) {
        return 0;
    }
    (void)nanosleep(&moment, NULL);
    return 1;
}

/* Until somebody of this process gives something back; with the mutex. */
static int wait_for_change(const struct place_wait *wait, const char *file, struct fault *fault)
{
    struct timespec until;
    if (is_over(wait, file, fault)) {
        return 0;
    }
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_AGAIN_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&changed, &mutex, &until);
    return 1;
}

static struct place *find_place(const char *file)
{
    struct place *place = first_place;
    while (place != NULL && strcmp(place->file, file) != 0) {
        place = place->next;
    }
    return place;
}

static struct place *place_create(const char *file)
{
    size_t size = strlen(file) + 1;
    struct place *place = calloc(1, sizeof(*place) + size);
    if (place != NULL) {
        memcpy(place->file, file, size);
        place->lock_fd = -1;
        place->next = first_place;
        first_place = place;
    }
    return place;
}

struct place *place_of(const char *file, struct fault *fault)
{
    (void)pthread_mutex_lock(&mutex);
    struct place *place = find_place(file);
    if (place == NULL) {
        place = place_create(file);
    }
    (void)pthread_mutex_unlock(&mutex);
    if (place == NULL) {
        (void)fault_set(fault, OPS_E_RESOURCE, "search.memory", "out of memory");
    }
    return place;
}

const char *place_name(const struct place *place)
{
    return place_is_memory(place) ? "in memory" : place->file;
}

int place_is_memory(const struct place *place)
{
    return place->file[0] == '\0';
}

int place_take(struct place *place, const struct place_wait *wait, struct index **out,
               struct fault *fault)
{
    int goes_on = 1;
    (void)pthread_mutex_lock(&mutex);
    while (goes_on && place_is_memory(place) && place->taken_count > 0) {
        goes_on = wait_for_change(wait, place_name(place), fault);
    }
    if (goes_on) {
        *out = place->idle;
        place->taken_count++;
    }
    if (goes_on && place->idle != NULL) {
        place->idle = (*out)->next;
        place->idle_count--;
    }
    (void)pthread_mutex_unlock(&mutex);
    return goes_on;
}

void place_give(struct place *place, struct index *index)
{
    (void)pthread_mutex_lock(&mutex);
    int is_kept = index != NULL && place->idle_count < IDLE_MAX;
    if (is_kept) {
        index->next = place->idle;
        place->idle = index;
        place->idle_count++;
    }
    place->taken_count--;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
    if (!is_kept) {
        index_close(index);
    }
}

static int open_lock(struct place *place, struct fault *fault)
{
    char name[INDEX_PATH_BYTES + 8];
    (void)snprintf(name, sizeof(name), "%s.lock", place->file); /* fits: see index_options */
    place->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (place->lock_fd < 0) {
        return fault_set(fault, OPS_E_UPSTREAM, "search.io", "cannot open '%s': %s", name,
                         strerror(errno));
    }
    return 1;
}

/* Other processes; it can only be polled, because a wait in the kernel sees no cancel. */
static int lock_file(struct place *place, const struct place_wait *wait, struct fault *fault)
{
    if (place->lock_fd < 0 && !open_lock(place, fault)) {
        return 0;
    }
    while (flock(place->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fault_set(fault, OPS_E_UPSTREAM, "search.io", "cannot lock '%s': %s",
                             place->file, strerror(errno));
        }
        if (!place_wait_more(wait, place->file, fault)) {
            return 0;
        }
    }
    return 1;
}

int place_begin_write(struct place *place, const struct place_wait *wait, struct fault *fault)
{
    int goes_on = 1;
    (void)pthread_mutex_lock(&mutex);
    while (goes_on && place->is_writing) {
        goes_on = wait_for_change(wait, place_name(place), fault);
    }
    place->is_writing |= goes_on;
    (void)pthread_mutex_unlock(&mutex);
    if (goes_on && !place_is_memory(place) && !lock_file(place, wait, fault)) {
        place_end_write(place);
        return 0;
    }
    return goes_on;
}

void place_end_write(struct place *place)
{
    if (place->lock_fd >= 0) {
        (void)flock(place->lock_fd, LOCK_UN); /* it cannot fail on what is open */
    }
    (void)pthread_mutex_lock(&mutex);
    place->is_writing = 0;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
}

/* Its name is on the disk, too: what is indexed is not lost with the folder's entry. */
static int sync_folder(const char *file)
{
    char folder[INDEX_PATH_BYTES];
    (void)snprintf(folder, sizeof(folder), "%s", file); /* fits: see index_options */
    *(strrchr(folder, '/') + 1) = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int errnum = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd); /* it was only read */
    }
    return errnum;
}

int place_make_file(const struct place *place, struct fault *fault)
{
    /*
     * With the mutex, because closing a descriptor of a file drops all locks that this process has
     * on it: nobody can have opened it before this one is closed.
     */
    (void)pthread_mutex_lock(&mutex);
    int fd = open(place->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int errnum = fd < 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd); /* it is empty */
        errnum = sync_folder(place->file);
    }
    (void)pthread_mutex_unlock(&mutex);
    if (errnum != 0 && errnum != EEXIST) {
        (void)fault_set(fault, OPS_E_UPSTREAM, "search.io", "cannot make the index '%s': %s",
                        place->file, strerror(errnum));
        fault->hint = "see that the folder is there, and that opstream may write in it";
        return 0;
    }
    return 1;
}

void places_finish(void)
{
    while (first_place != NULL) {
        struct place *place = first_place;
        first_place = place->next;
        while (place->idle != NULL) {
            struct index *index = place->idle;
            place->idle = index->next;
            index_close(index);
        }
        if (place->lock_fd >= 0) {
            (void)close(place->lock_fd);
        }
        free(place);
    }
}
