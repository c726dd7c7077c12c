#pragma once

#include <stddef.h>
#include <stdint.h>

/// systemd's journal by libsystemd, which is looked for when it is first wanted: a connlog that was built where it is
/// missing reads journals where it is there, and one that runs where it is missing says so.
///
/// One journal belongs to one thread, from opening to closing. Numbers below 0 are errors, negative errno values.
struct connlog_journal;

/// What is taken of an entry, in this order.
enum connlog_journal_field {
    CONNLOG_JOURNAL_MESSAGE,
    CONNLOG_JOURNAL_STREAM_ID,
    CONNLOG_JOURNAL_LINE_BREAK,
    CONNLOG_JOURNAL_PID,
    CONNLOG_JOURNAL_PRIORITY,
    CONNLOG_JOURNAL_MESSAGE_ID,
    CONNLOG_JOURNAL_N_DROPPED,
    CONNLOG_JOURNAL_CONTAINER_ID,
    CONNLOG_JOURNAL_CONTAINER_PARTIAL,
    CONNLOG_JOURNAL_CONTAINER_PARTIAL_ID,
    CONNLOG_JOURNAL_CONTAINER_PARTIAL_ORDINAL,
    CONNLOG_JOURNAL_CURSOR,
    CONNLOG_JOURNAL_FIELDS
};

/// Where a value lies among the bytes of an entry; `length` is below 0 where the entry has none.
struct connlog_journal_value {
    int64_t place;
    int64_t length;
};

/// An entry, valid until the next call about its journal.
struct connlog_journal_entry {
    const uint8_t *_Nullable bytes;
    size_t count;
    uint64_t realtime;
    /// The message was longer than asked for.
    int is_cut;
    struct connlog_journal_value values[CONNLOG_JOURNAL_FIELDS];
};

/// Why libsystemd cannot be used; NULL when it can.
const char *_Nullable connlog_journal_missing(void);

/// Opens this machine's journal, that of a namespace, or the files of a directory, and lets values come whole.
int connlog_journal_open(
    const char *_Nullable name_space, const char *_Nullable directory, struct connlog_journal *_Nullable *_Nonnull out);
void connlog_journal_close(struct connlog_journal *_Nonnull journal);

int connlog_journal_match(struct connlog_journal *_Nonnull journal, const char *_Nonnull match);
/// What was matched so far, or what follows.
int connlog_journal_or(struct connlog_journal *_Nonnull journal);

int connlog_journal_seek_head(struct connlog_journal *_Nonnull journal);
int connlog_journal_seek_tail(struct connlog_journal *_Nonnull journal);
int connlog_journal_seek_realtime(struct connlog_journal *_Nonnull journal, uint64_t microseconds);
int connlog_journal_seek_cursor(struct connlog_journal *_Nonnull journal, const char *_Nonnull cursor);
int connlog_journal_test_cursor(struct connlog_journal *_Nonnull journal, const char *_Nonnull cursor);
/// 1 when there was one, 0 at the end.
int connlog_journal_next(struct connlog_journal *_Nonnull journal);
int connlog_journal_previous(struct connlog_journal *_Nonnull journal);
/// How many entries it went back.
int connlog_journal_previous_skip(struct connlog_journal *_Nonnull journal, uint64_t count);

/// Takes the present entry out; of its message `message_max` bytes at most.
int connlog_journal_read(
    struct connlog_journal *_Nonnull journal, size_t message_max, struct connlog_journal_entry *_Nonnull entry);

/// The time of the oldest entry of all, in microseconds; 0 when there is none.
int connlog_journal_oldest(struct connlog_journal *_Nonnull journal, uint64_t *_Nonnull microseconds);

/// Begins to watch the files, if that has not begun.
int connlog_journal_watch(struct connlog_journal *_Nonnull journal);
/// Waits until something has changed, for so many milliseconds at most: 0 nothing, 1 entries came, 2 files came or went.
int connlog_journal_wait(struct connlog_journal *_Nonnull journal, int milliseconds);

/// The name of a group, written to `out`; 0 when it has none.
int connlog_group_name(uint32_t group, char *_Nonnull out, size_t capacity);
