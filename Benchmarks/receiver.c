/*
 * What the benchmarks send to: counts events that come as syslog over TCP, as Splunk HEC requests or as lines of a file,
 * on 127.0.0.1 only, and adds up a hash of each event's ID, so that two streams with the same count and sum are the same
 * events, whatever their order.
 *
 *     receiver syslog PORT EXPECTED [EVERY]   octet-counted messages or lines
 *     receiver hec    PORT EXPECTED           one envelope a line; plain or gzip; always answers success, to a request
 *                                             that names a channel with a number, and every number is acknowledged
 *     receiver file   PATH EXPECTED           follows a file until that many lines are there
 *     receiver sum    PATH                    the connection events of a log or of an output file
 *
 * Prints "listening" when it may be sent to; "reached NANOSECONDS" (CLOCK_MONOTONIC) with the last event expected; and
 * when it ends, on SIGTERM, one JSON object: events, sum, and with EVERY the time of each so many-th message.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t events, sum, expected, every, stamps_count;
static uint64_t *stamps;

static void die(const char *what) { perror(what); exit(2); }

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A hash of the 36 bytes behind "ID":" in the event, 0 if there is no ID. */
static uint64_t id_hash(const char *p, size_t n) {
    static const char key[] = "\"ID\":\"";
    const char *at = memmem(p, n, key, sizeof key - 1);
    if (!at || (size_t)(p + n - at) < sizeof key - 1 + 36) return 0;
    at += sizeof key - 1;
    uint64_t hash = 0x9e3779b97f4a7c15u, word;
    for (int place = 0; place <= 28; place += 7) {
        memcpy(&word, at + place, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    return hash | 1;
}

static void event(const char *p, size_t n) {
    events++;
    sum += id_hash(p, n);
    if (every && events % every == 0 && stamps_count < 1000000) stamps[stamps_count++] = now();
    if (events == expected) {
        printf("reached %llu\n", (unsigned long long)now());
        fflush(stdout);
    }
}

static void finish(void) {
    printf("{\"events\":%llu,\"sum\":\"%016llx\",\"stamps\":[", (unsigned long long)events, (unsigned long long)sum);
    for (uint64_t i = 0; i < stamps_count; i++) printf("%s%llu", i ? "," : "", (unsigned long long)stamps[i]);
    puts("]}");
    fflush(stdout);
}

static void lines(const char *p, size_t n) {
    for (const char *end = p + n; p < end;) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        size_t length = (size_t)((next ? next : end) - p);
        if (length) event(p, length);
        p += length + 1;
    }
}

/* ---- syslog and HEC -------------------------------------------------------------------------------------------- */

typedef struct {
    char *p;
    size_t n, capacity;
} Bytes;

static void room(Bytes *b, size_t more) {
    if (b->capacity - b->n >= more) return;
    b->capacity = b->n + more > 2 * b->capacity ? b->n + more : 2 * b->capacity;
    if (!(b->p = realloc(b->p, b->capacity))) die("realloc");
}

typedef struct {
    int fd;
    Bytes in;
} Connection;

/* Takes the whole messages; returns how many bytes they are, or -1 where the framing is broken. */
static ssize_t take_syslog(const char *p, size_t n) {
    size_t at = 0;
    while (at < n) {
        if (p[at] < '1' || p[at] > '9') {
            const char *end = memchr(p + at, '\n', n - at);
            if (!end) break;
            if (end > p + at) event(p + at, (size_t)(end - p) - at);
            at = (size_t)(end - p) + 1;
            continue;
        }
        size_t digits = 0, length = 0;
        while (at + digits < n && digits < 8 && p[at + digits] >= '0' && p[at + digits] <= '9')
            length = length * 10 + (size_t)(p[at + digits++] - '0');
        if (at + digits == n) break;
        if (p[at + digits] != ' ') return -1;
        if (n - at < digits + 1 + length) break;
        event(p + at + digits + 1, length);
        at += digits + 1 + length;
    }
    return (ssize_t)at;
}

static void inflate_lines(const char *p, size_t n) {
    static Bytes out;
    static struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = (uint8_t *)(uintptr_t)p;
    state.avail_in = (uint32_t)n;
    out.n = 0;
    do {
        room(&out, 1 << 20);
        state.next_out = (uint8_t *)out.p + out.n;
        state.avail_out = 1 << 20;
        if (isal_inflate(&state) != ISAL_DECOMP_OK) {
            fputs("a body that is no gzip\n", stderr);
            return;
        }
        out.n += (1 << 20) - state.avail_out;
    } while (state.block_state != ISAL_BLOCK_FINISH);
    lines(out.p, out.n);
}

static const char *header(const char *head, size_t n, const char *name) {
    size_t length = strlen(name);
    for (const char *p = head; p && p < head + n; p = memchr(p, '\n', (size_t)(head + n - p)), p = p ? p + 1 : NULL)
        if ((size_t)(head + n - p) > length && !strncasecmp(p, name, length)) return p + length;
    return NULL;
}

static void answer(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) perror("send");
}

static void answer_json(int fd, const char *json) {
    static char text[1 << 16];
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(json), json);
    answer(fd, text);
}

/* Says of every number in {"acks":[...]} that it is indexed: what came under it has been counted. */
static void acknowledge(int fd, const char *p, size_t n) {
    static char json[1 << 15];
    size_t used = (size_t)snprintf(json, sizeof json, "{\"acks\":{");
    const char *at = memchr(p, '[', n), *end = p + n;
    for (const char *comma = ""; at && ++at < end && *at >= '0' && *at <= '9' && used < sizeof json - 64; comma = ",") {
        used += (size_t)snprintf(json + used, sizeof json - used, "%s\"%lu\":true", comma, strtoul(at, NULL, 10));
        at = memchr(at, ',', (size_t)(end - at));
    }
    snprintf(json + used, sizeof json - used, "}}");
    answer_json(fd, json);
}

static void take_request(int fd, const char *p, size_t head, const char *body, size_t n) {
    static unsigned long number;
    const char *path_end = memchr(p, '\r', head);
    if (path_end && memmem(p, (size_t)(path_end - p), "/ack?", 5)) {
        acknowledge(fd, body, n);
        return;
    }
    const char *encoding = header(p, head, "content-encoding:");
    if (encoding && memmem(encoding, 16, "gzip", 4)) inflate_lines(body, n);
    else lines(body, n);
    char json[64] = "{\"text\":\"Success\",\"code\":0}";
    if (header(p, head, "x-splunk-request-channel:"))
        snprintf(json, sizeof json, "{\"text\":\"Success\",\"code\":0,\"ackId\":%lu}", number++);
    answer_json(fd, json);
}

/* Takes the whole requests, the same way. */
static ssize_t take_hec(Connection *c) {
    size_t at = 0;
    while (at < c->in.n) {
        char *p = c->in.p + at;
        char *body = memmem(p, c->in.n - at, "\r\n\r\n", 4);
        if (!body) break;
        body += 4;
        size_t head = (size_t)(body - p);
        const char *length = header(p, head, "content-length:");
        size_t n = length ? strtoul(length, NULL, 10) : 0;
        if (c->in.n - at < head + n) {
            if (c->in.n - at == head && header(p, head, "expect:")) answer(c->fd, "HTTP/1.1 100 Continue\r\n\r\n");
            break;
        }
        take_request(c->fd, p, head, body, n);
        at += head + n;
    }
    return (ssize_t)at;
}

/* Reads what is there; 0 when the connection is over. */
static int readable(Connection *c, int is_hec) {
    for (;;) {
        room(&c->in, 1 << 20);
        ssize_t got = recv(c->fd, c->in.p + c->in.n, 1 << 20, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return 1;
        if (got <= 0) return 0;
        c->in.n += (size_t)got;
        ssize_t taken = is_hec ? take_hec(c) : take_syslog(c->in.p, c->in.n);
        if (taken < 0) return 0;
        memmove(c->in.p, c->in.p + taken, c->in.n - (size_t)taken);
        c->in.n -= (size_t)taken;
    }
}

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0) die("listen");
    return fd;
}

static void serve(int port, int is_hec, int signals) {
    int ep = epoll_create1(EPOLL_CLOEXEC), fd = listening(port);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL}, found[16];
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &wanted);
    wanted.data.ptr = &events;
    epoll_ctl(ep, EPOLL_CTL_ADD, signals, &wanted);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(ep, found, 16, -1);
        for (int i = 0; i < count; i++) {
            if (found[i].data.ptr == &events) return;
            Connection *c = found[i].data.ptr;
            if (c) {
                if (readable(c, is_hec)) continue;
                close(c->fd);
                free(c->in.p);
                free(c);
                continue;
            }
            int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (peer < 0) continue;
            if (!(c = calloc(1, sizeof *c))) die("calloc");
            c->fd = peer;
            wanted.data.ptr = c;
            epoll_ctl(ep, EPOLL_CTL_ADD, peer, &wanted);
        }
    }
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Counts line feeds while the file grows; the sum is taken afterwards, so that counting costs little. */
static void follow(const char *path, int signals) {
    static char block[1 << 20];
    struct signalfd_siginfo info;
    int fd = -1;
    puts("listening");
    fflush(stdout);
    while (read(signals, &info, sizeof info) < 0) {
        if (fd < 0) fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? 0 : read(fd, block, sizeof block);
        for (char *p = block; got > 0 && (p = memchr(p, '\n', (size_t)(block + got - p))); p++)
            if (++events == expected) {
                printf("reached %llu\n", (unsigned long long)now());
                fflush(stdout);
            }
        if (got <= 0) usleep(5000);
    }
}

static void sum_file(const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    if (!file) die(path);
    for (ssize_t n; (n = getline(&line, &capacity, file)) > 0;)
        if (memmem(line, (size_t)n, "\"msg\":\"connection_log\"", 22)) event(line, (size_t)n);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("receiver syslog|hec|file|sum PORT|PATH [EXPECTED [EVERY]]\n", stderr);
        return 2;
    }
    expected = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    every = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    if (every && !(stamps = malloc(1000000 * sizeof *stamps))) die("malloc");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!strcmp(argv[1], "sum")) sum_file(argv[2]);
    else if (!strcmp(argv[1], "file")) follow(argv[2], signals);
    else serve(atoi(argv[2]), !strcmp(argv[1], "hec"), signals);
    finish();
    return 0;
}
