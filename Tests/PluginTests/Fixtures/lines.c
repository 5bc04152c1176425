// Appends each series to a file as a line, `name{key="value"} number`: what an author writes who owns weir_plugin.h alone.
//
//     cc -shared -fPIC -I Sources/CWeirPlugin/include -o weir-lines.so lines.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "weir_plugin.h"

struct lines {
    FILE *file;
    const weir_host *host;
};

static void fail(weir_result *result, uint32_t code, const char *message) {
    size_t length = strlen(message);
    result->code = code;
    result->message_length = length < result->message_capacity ? length : result->message_capacity;
    memcpy(result->message, message, result->message_length);
}

static void lines_open(void *context, const weir_host *host, const weir_setting *settings, size_t count,
                       weir_opened *opened, weir_result *result) {
    (void)context, (void)count;
    FILE *file = fopen(settings[0].text.bytes, "a");
    struct lines *lines = file ? malloc(sizeof *lines) : NULL;
    if (!lines) return fail(result, WEIR_FATAL, "path: wanted a file that can be written");
    *lines = (struct lines){ .file = file, .host = host };
    opened->handle = lines;
}

static void write_row(FILE *file, const weir_view *view, const weir_row *row) {
    fprintf(file, "%s{", view->name.bytes);
    for (size_t i = 0; i < row->tags_count; i++) {
        fprintf(file, "%s%s=\"%s\"", i ? "," : "", row->tags[i].key.bytes, row->tags[i].value.bytes);
    }
    if (view->kind >= WEIR_VIEW_DISTRIBUTION) {
        fprintf(file, "} %llu of %g in all\n", (unsigned long long)row->count, row->value);
    } else if (view->flags & WEIR_VIEW_INTEGER) {
        fprintf(file, "} %lld\n", (long long)row->integer);
    } else {
        fprintf(file, "} %g\n", row->value);
    }
}

static void lines_deliver(void *handle, const weir_frame *frame, weir_result *result) {
    struct lines *lines = handle;
    const weir_host *host = lines->host;
    if (frame->flags & WEIR_FRAME_END_MARK) return;
    weir_batch batch = { .size = sizeof batch };
    if (!host->read_batch(host->context, &batch)) return fail(result, WEIR_REJECT, "the batch cannot be read");
    for (size_t v = 0; v < batch.views_count; v++) {
        weir_view view = { .size = sizeof view };
        host->read_view(host->context, v, &view);
        for (size_t r = 0; r < view.rows_count; r++) {
            weir_row row = { .size = sizeof row };
            host->read_row(host->context, v, r, &row);
            write_row(lines->file, &view, &row);
        }
    }
    if (fflush(lines->file)) fail(result, WEIR_RETRY, "the file cannot be written");
}

static void lines_close(void *handle) {
    struct lines *lines = handle;
    fclose(lines->file);
    free(lines);
}

static const weir_setting_kind settings[] = {
    { .key = "path", .description = "The file.", .kind = WEIR_SETTING_TEXT, .minimum = 1, .maximum = 4096 },
};

static const weir_plugin plugin = {
    .magic = WEIR_PLUGIN_MAGIC, .abi_major = WEIR_PLUGIN_ABI_MAJOR, .abi_minor = WEIR_PLUGIN_ABI_MINOR,
    .size = sizeof(weir_plugin), .required_features = WEIR_FEATURE_COLUMNS, .name = "lines", .version = "1.0",
    .settings = settings, .settings_count = 1, .open = lines_open, .deliver = lines_deliver, .close = lines_close,
};

const weir_plugin *weir_plugin_entry(const weir_host *host) { return (void)host, &plugin; }
