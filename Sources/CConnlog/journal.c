#include "journal.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// The documented functions, sd-journal(3). Declared here, so that nothing of systemd's has to be there to build.
typedef struct sd_journal sd_journal;

#define FUNCTIONS(F)                                                                                                   \
    F(int, open, (sd_journal **, int))                                                                                 \
    F(int, open_namespace, (sd_journal **, const char *, int))                                                         \
    F(int, open_directory, (sd_journal **, const char *, int))                                                         \
    F(void, close, (sd_journal *))                                                                                     \
    F(int, set_data_threshold, (sd_journal *, size_t))                                                                 \
    F(int, add_match, (sd_journal *, const void *, size_t))                                                            \
    F(int, add_disjunction, (sd_journal *))                                                                            \
    F(int, seek_head, (sd_journal *))                                                                                  \
    F(int, seek_tail, (sd_journal *))                                                                                  \
    F(int, seek_realtime_usec, (sd_journal *, uint64_t))                                                               \
    F(int, seek_cursor, (sd_journal *, const char *))                                                                  \
    F(int, test_cursor, (sd_journal *, const char *))                                                                  \
    F(int, next, (sd_journal *))                                                                                       \
    F(int, previous, (sd_journal *))                                                                                   \
    F(int, previous_skip, (sd_journal *, uint64_t))                                                                    \
    F(int, get_cursor, (sd_journal *, char **))                                                                        \
    F(int, get_realtime_usec, (sd_journal *, uint64_t *))                                                              \
    F(int, get_cutoff_realtime_usec, (sd_journal *, uint64_t *, uint64_t *))                                           \
    F(void, restart_data, (sd_journal *))                                                                              \
    F(int, enumerate_available_data, (sd_journal *, const void **, size_t *))                                          \
    F(int, get_fd, (sd_journal *))                                                                                     \
    F(int, get_events, (sd_journal *))                                                                                 \
    F(int, get_timeout, (sd_journal *, uint64_t *))                                                                    \
    F(int, process, (sd_journal *))

static struct {
#define POINTER(result, name, parameters) result(*name) parameters;
    FUNCTIONS(POINTER)
#undef POINTER
} sd;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char missing[256];

static void load(void) {
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        strncpy(missing, why ? why : "libsystemd.so.0 cannot be loaded", sizeof missing - 1);
        return;
    }
#define LOAD(result, name, parameters)                                                                                 \
    if (!(sd.name = (result(*) parameters)dlsym(library, "sd_journal_" #name)))                                        \
        strncpy(missing, "libsystemd.so.0 is too old: it has no sd_journal_" #name, sizeof missing - 1);
    FUNCTIONS(LOAD)
#undef LOAD
}

const char *connlog_journal_missing(void) {
    pthread_once(&once, load);
    return missing[0] ? missing : NULL;
}

struct connlog_journal {
    sd_journal *journal;
    // The present entry's values, one after another.
    uint8_t *bytes;
    size_t count, capacity;
};

enum { LOCAL_ONLY = 1 };

int connlog_journal_open(const char *name_space, const char *directory, struct connlog_journal **out) {
    if (connlog_journal_missing()) return -ENOSYS;
    struct connlog_journal *made = calloc(1, sizeof *made);
    if (!made) return -ENOMEM;
    // In a directory of another machine's, or seen from a container, this machine's id says nothing.
    int failure = directory    ? sd.open_directory(&made->journal, directory, 0)
                  : name_space ? sd.open_namespace(&made->journal, name_space, LOCAL_ONLY)
                               : sd.open(&made->journal, LOCAL_ONLY);
    // By default longer values come cut at 64 KiB, without a sign.
    if (failure >= 0) failure = sd.set_data_threshold(made->journal, 0);
    if (failure < 0) {
        connlog_journal_close(made);
        return failure;
    }
    *out = made;
    return 0;
}

void connlog_journal_close(struct connlog_journal *journal) {
    if (journal->journal) sd.close(journal->journal);
    free(journal->bytes);
    free(journal);
}

int connlog_journal_match(struct connlog_journal *journal, const char *match) {
    return sd.add_match(journal->journal, match, 0);
}

int connlog_journal_or(struct connlog_journal *journal) { return sd.add_disjunction(journal->journal); }

int connlog_journal_seek_head(struct connlog_journal *journal) { return sd.seek_head(journal->journal); }

int connlog_journal_seek_tail(struct connlog_journal *journal) { return sd.seek_tail(journal->journal); }

int connlog_journal_seek_realtime(struct connlog_journal *journal, uint64_t microseconds) {
    return sd.seek_realtime_usec(journal->journal, microseconds);
}

int connlog_journal_seek_cursor(struct connlog_journal *journal, const char *cursor) {
    return sd.seek_cursor(journal->journal, cursor);
}

int connlog_journal_test_cursor(struct connlog_journal *journal, const char *cursor) {
    return sd.test_cursor(journal->journal, cursor);
}

int connlog_journal_next(struct connlog_journal *journal) { return sd.next(journal->journal); }

int connlog_journal_previous(struct connlog_journal *journal) { return sd.previous(journal->journal); }

int connlog_journal_previous_skip(struct connlog_journal *journal, uint64_t count) {
    return sd.previous_skip(journal->journal, count);
}

// The fields with the `=` after them; the length of each, so that most of an entry's are passed over by one comparison.
#define FIELD(text) {text "=", sizeof text}
static const struct {
    const char *text;
    size_t length;
} fields[CONNLOG_JOURNAL_CURSOR] = {
    FIELD("MESSAGE"),
    FIELD("_STREAM_ID"),
    FIELD("_LINE_BREAK"),
    FIELD("_PID"),
    FIELD("PRIORITY"),
    FIELD("MESSAGE_ID"),
    FIELD("N_DROPPED"),
    FIELD("CONTAINER_ID_FULL"),
    FIELD("CONTAINER_PARTIAL_MESSAGE"),
    FIELD("CONTAINER_PARTIAL_ID"),
    FIELD("CONTAINER_PARTIAL_ORDINAL"),
};

static int append(struct connlog_journal *journal, const void *data, size_t length) {
    if (journal->capacity - journal->count < length) {
        size_t capacity = 2 * (journal->count + length) + 4096;
        uint8_t *larger = realloc(journal->bytes, capacity);
        if (!larger) return -ENOMEM;
        journal->bytes = larger;
        journal->capacity = capacity;
    }
    memcpy(journal->bytes + journal->count, data, length);
    journal->count += length;
    return 0;
}

static int take(
    struct connlog_journal *journal, struct connlog_journal_entry *entry, int field, const uint8_t *value,
    size_t length) {
    // Of a field that comes twice the first one counts.
    if (entry->values[field].length >= 0) return 0;
    entry->values[field].place = (int64_t)journal->count;
    entry->values[field].length = (int64_t)length;
    return append(journal, value, length);
}

int connlog_journal_read(struct connlog_journal *journal, size_t message_max, struct connlog_journal_entry *entry) {
    memset(entry, 0, sizeof *entry);
    for (int field = 0; field < CONNLOG_JOURNAL_FIELDS; field++) entry->values[field].length = -1;
    journal->count = 0;
    int failure = sd.get_realtime_usec(journal->journal, &entry->realtime);
    if (failure < 0) return failure;
    char *cursor = NULL;
    failure = sd.get_cursor(journal->journal, &cursor);
    if (failure < 0) return failure;
    failure = take(journal, entry, CONNLOG_JOURNAL_CURSOR, (const uint8_t *)cursor, strlen(cursor));
    free(cursor);
    if (failure < 0) return failure;
    // In one pass: each look-up by name would unpack every packed value of the entry.
    sd.restart_data(journal->journal);
    const void *data;
    size_t length;
    while ((failure = sd.enumerate_available_data(journal->journal, &data, &length)) > 0) {
        for (int field = 0; field < CONNLOG_JOURNAL_CURSOR; field++) {
            size_t name = fields[field].length;
            if (length < name || memcmp(data, fields[field].text, name) != 0) continue;
            size_t most = field == CONNLOG_JOURNAL_MESSAGE ? message_max : 256;
            if (length - name > most) entry->is_cut |= field == CONNLOG_JOURNAL_MESSAGE;
            size_t value = length - name < most ? length - name : most;
            failure = take(journal, entry, field, (const uint8_t *)data + name, value);
            if (failure < 0) return failure;
            break;
        }
    }
    entry->bytes = journal->bytes;
    entry->count = journal->count;
    // A damaged value ends the pass; what was found before it is there.
    return failure == -ENOMEM ? failure : 0;
}

int connlog_journal_oldest(struct connlog_journal *journal, uint64_t *microseconds) {
    uint64_t newest = 0;
    *microseconds = 0;
    return sd.get_cutoff_realtime_usec(journal->journal, microseconds, &newest);
}

int connlog_journal_watch(struct connlog_journal *journal) { return sd.get_fd(journal->journal); }

int connlog_journal_wait(struct connlog_journal *journal, int milliseconds) {
    int descriptor = sd.get_fd(journal->journal);
    if (descriptor < 0) return descriptor;
    int events = sd.get_events(journal->journal);
    if (events < 0) return events;
    // A time on the monotonic clock where the kernel tells of no changes, as on network file systems.
    uint64_t until = UINT64_MAX;
    int failure = sd.get_timeout(journal->journal, &until);
    if (failure < 0) return failure;
    if (until != UINT64_MAX) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t present = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        uint64_t left = until > present ? (until - present + 999) / 1000 : 0;
        if (left < (uint64_t)milliseconds) milliseconds = (int)left;
    }
    struct pollfd request = {.fd = descriptor, .events = (short)events};
    if (poll(&request, 1, milliseconds) < 0 && errno != EINTR) return -errno;
    return sd.process(journal->journal);
}

int connlog_group_name(uint32_t group, char *out, size_t capacity) {
    struct group found, *result = NULL;
    char memory[4096];
    if (getgrgid_r(group, &found, memory, sizeof memory, &result) != 0 || !result) return 0;
    if (strlen(result->gr_name) >= capacity) return 0;
    strcpy(out, result->gr_name);
    return 1;
}
