// Notes what it is delivered in a journal, and misbehaves as it is told to, so many times in all its processes together.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "weir_plugin.h"

struct faulty {
    char mode[32], journal[512], crashes[600];
    int64_t times;
    volatile int stopped, stopping;
    uint64_t deliveries;
    const weir_host *host;
};

static void say(weir_result *result, uint32_t code, const char *message) {
    size_t length = strlen(message);
    result->code = code;
    result->message_length = length < result->message_capacity ? length : result->message_capacity;
    memcpy(result->message, message, result->message_length);
}

static void append(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (write(file, text, strlen(text)) < 0) abort();
    close(file);
}

// Each misdeed is noted before it is done: the process may not live to note it afterwards.
static int has_turn(struct faulty *faulty) {
    struct stat status;
    if (stat(faulty->crashes, &status) == 0 && status.st_size >= faulty->times) return 0;
    append(faulty->crashes, "x");
    return 1;
}

static void send_raw(const void *bytes, size_t length) {
    if (write(3, bytes, length) < 0) abort();
}

static void misbehave(struct faulty *faulty, weir_result *result) {
    const char *mode = faulty->mode;
    if (!strcmp(mode, "segfault")) *(volatile int *)8 = 1;
    if (!strcmp(mode, "abort")) abort();
    if (!strcmp(mode, "exit")) _exit(7);
    if (!strcmp(mode, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(mode, "freeze")) {
        kill(getpid(), SIGSTOP);
        for (;;) pause();
    }
    if (!strcmp(mode, "spin")) for (;;) {}
    if (!strcmp(mode, "deaf")) while (!faulty->stopped) usleep(1000);
    if (!strcmp(mode, "leak")) {
        for (;;) {
            char *block = malloc(1 << 20);
            if (!block) abort();
            memset(block, 1, 1 << 20);
        }
    }
    if (!strcmp(mode, "hangup")) {
        shutdown(3, SHUT_RDWR);
        for (;;) pause();
    }
    if (!strcmp(mode, "garbage")) {
        send_raw("\x93this is not a message of any kind", 34);
        for (;;) pause();
    }
    if (!strcmp(mode, "huge")) {
        send_raw("\xff\xff\xff\xff\x6a\0\0\0", 8);
        for (;;) pause();
    }
    if (!strcmp(mode, "unasked")) {
        send_raw("\0\0\0\0\x69\0\0\0", 8);
        for (;;) pause();
    }
    if (!strcmp(mode, "orphan")) {
        if (fork() == 0) for (int i = 0; i < 50; i++) usleep(100000);
        _exit(7);
    }
    if (!strcmp(mode, "mute")) close(3);
    if (!strcmp(mode, "nonsense")) return say(result, 77, "seventy-seven");
}

static void report_surroundings(weir_result *result) {
    int open_files = 0;
    for (int file = 4; file < 256; file++) open_files += fcntl(file, F_GETFD) >= 0;
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    char text[100], byte;
    snprintf(text, sizeof text, "files %d, interrupt %s, input %zd", open_files,
             sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM) ? "blocked" : "open", read(0, &byte, 1));
    say(result, WEIR_REJECT, text);
}

static void print(void) {
    printf("to the output\n\033[31mred\n");
    for (int i = 0; i < 5000; i++) putchar('x');
    putchar('\n');
    fflush(stdout);
    for (int i = 0; i < 1000; i++) fprintf(stderr, "line %d\n", i);
}

static void faulty_open(void *context, const weir_host *host, const weir_setting *settings, size_t count,
                        weir_opened *opened, weir_result *result) {
    (void)context, (void)count;
    struct faulty *faulty = calloc(1, sizeof *faulty);
    snprintf(faulty->mode, sizeof faulty->mode, "%s", settings[0].text.bytes);
    snprintf(faulty->journal, sizeof faulty->journal, "%s", settings[1].text.bytes);
    snprintf(faulty->crashes, sizeof faulty->crashes, "%s.crashes", settings[1].text.bytes);
    faulty->times = settings[2].number;
    faulty->host = host;
    if (!strcmp(faulty->mode, "open") && has_turn(faulty)) abort();
    if (!strcmp(faulty->mode, "refuse")) return say(result, WEIR_FATAL, "it does not like the journal");
    if (!strcmp(faulty->mode, "demand")) host->demand(host->context, 5);
    if (!strcmp(faulty->mode, "collect")) host->collect(host->context);
    opened->handle = faulty;
    opened->has_previous_stream = 1;
    opened->previous_stream[15] = 9;
}

static void faulty_deliver(void *handle, const weir_frame *frame, weir_result *result) {
    struct faulty *faulty = handle;
    if (!strcmp(faulty->mode, "surroundings")) return report_surroundings(result);
    if (!strcmp(faulty->mode, "print")) print();
    if (!(frame->flags & WEIR_FRAME_END_MARK) && has_turn(faulty)) {
        misbehave(faulty, result);
        if (result->code) return;
        if (faulty->stopped) return say(result, WEIR_RETRY, "stopped");
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < frame->payload.length; i++) sum += ((const unsigned char *)frame->payload.bytes)[i];
    char line[100];
    snprintf(line, sizeof line, "%llu %zu %llu\n", (unsigned long long)frame->first, frame->payload.length,
             (unsigned long long)sum);
    append(faulty->journal, frame->flags & WEIR_FRAME_END_MARK ? "end\n" : line);
    faulty->deliveries++;
}

static size_t faulty_counters(void *handle, weir_counter *counters, size_t capacity) {
    struct faulty *faulty = handle;
    if (capacity) counters[0] = (weir_counter){ "deliveries", "{call}", faulty->deliveries };
    return 1;
}

// The mode "linger" takes its time over a stop. 50 ms, since the host waits for 100 ms.
static void faulty_stop(void *handle) {
    struct faulty *faulty = handle;
    if (!strcmp(faulty->mode, "linger")) {
        faulty->stopping = 1;
        append(faulty->crashes, "x");
        usleep(50000);
        faulty->stopping = 0;
    }
    faulty->stopped = 1;
}

static void faulty_close(void *handle) {
    struct faulty *faulty = handle;
    append(faulty->journal, faulty->stopping ? "closed while stopping\n" : "closed\n");
    free(faulty);
}

static const weir_setting_kind kinds[] = {
    { .key = "mode", .description = "How.", .kind = WEIR_SETTING_TEXT, .maximum = 31 },
    { .key = "journal", .description = "Where.", .kind = WEIR_SETTING_TEXT, .minimum = 1, .maximum = 500 },
    { .key = "times", .description = "How often.", .default_value = "1", .kind = WEIR_SETTING_INTEGER,
      .maximum = 1000000 },
};

static const weir_plugin plugin = {
    .magic = WEIR_PLUGIN_MAGIC, .abi_major = WEIR_PLUGIN_ABI_MAJOR, .abi_minor = WEIR_PLUGIN_ABI_MINOR,
    .size = sizeof(weir_plugin), .required_features = WEIR_FEATURE_READ_HEADER, .name = "faulty", .version = "2.1",
    .settings = kinds, .settings_count = 3, .open = faulty_open, .deliver = faulty_deliver, .close = faulty_close,
    .stop = faulty_stop, .counters = faulty_counters,
};

const weir_plugin *weir_plugin_entry(const weir_host *host) { return (void)host, &plugin; }
