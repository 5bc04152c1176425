/// Weir's plugin interface: how a program that records statistics hands batches to an exporter that it loads.
///
/// A plugin is a shared library with one symbol, `weir_plugin_entry`, and needs this header and nothing else. It may
/// be written in any language that speaks C. Only scalars, pointers and lengths cross; whoever allocates memory frees
/// it; nothing that the host passes in may be kept after the call returns, except the two host tables as said below.
///
/// A whole life, seen from the plugin:
///
///     weir_plugin_entry(host)            once a process: return a static table, or NULL to refuse
///     open(context, host, settings …)    once a configured sink, with settings that the host has checked
///       deliver(handle, frame, result)   one frame at a time; the last one of an orderly shutdown is the end mark
///       counters(handle, …)              between deliveries, where the plugin counts something of its own
///       stop(handle)                     at a shutdown's deadline: the one call that may overlap another
///     close(handle)                      once; the handle is then gone
///
/// Calls into one instance never overlap, `stop` excepted; they may come from different threads, and those threads
/// block all signals but those of faults. Two instances are called side by side. A call may block, but the host measures it against
/// `deadline`: the queue before this sink fills meanwhile, and batches are dropped from it. A plugin must not call
/// exit, change signal handlers, write to the standard streams or let a C++ exception or longjmp leave its functions.
///
/// What is delivered is a frame: `header` and `payload`, two spans. Written one after the other they are a piece of
/// a Weir batch file: the header is a zstd skippable frame, the payload a standard zstd frame. A plugin that passes
/// bytes on needs to understand neither. The facts beside them are read from the header for it. A plugin that wants the
/// numbers asks the host for them (`read_batch`, `read_view`, `read_row`) and needs neither zstd nor protobuf.
///
/// Compatibility. `abi_major` must be equal. A host of a later minor version knows all earlier ones. Structures that
/// begin with `size` may grow at their end: read a field only where `size` covers it (`WEIR_HAS`). The elements of
/// arrays (`weir_setting`, `weir_setting_kind`, `weir_counter`, `weir_tag`, `weir_exemplar`) never grow within a major
/// version. What a host can do beyond this header's first version has a feature bit; a plugin that cannot live without
/// one names it in `required_features` and is refused by name where the host lacks it.
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define WEIR_NULLABLE _Nullable
#else
#define WEIR_NULLABLE
#endif

/// The first eight bytes of both tables: "WEIRPLUG" read as a little-endian number.
#define WEIR_PLUGIN_MAGIC 0x47554c5052494557ull
#define WEIR_PLUGIN_ABI_MAJOR 1u
#define WEIR_PLUGIN_ABI_MINOR 4u

/// Whether the structure that `pointer` leads to was made by someone who knew the field.
#define WEIR_HAS(pointer, field) \
    ((pointer)->size >= offsetof(__typeof__(*(pointer)), field) + sizeof((pointer)->field))

/// Text: UTF-8 of a known length, without a zero byte at its end.
typedef struct weir_text {
    const char *WEIR_NULLABLE bytes;
    size_t length;
} weir_text;

/// Bytes of a known length. `bytes` may be NULL where `length` is 0.
typedef struct weir_span {
    const void *WEIR_NULLABLE bytes;
    size_t length;
} weir_span;

// MARK: - Frames

/// `weir_frame.flags`: a header without a payload, which ends its stream.
#define WEIR_FRAME_END_MARK 1u

/// One frame and the facts of its header.
typedef struct weir_frame {
    uint32_t size;
    uint32_t flags;
    /// Valid until the call returns. `payload.length` is 0 in an end mark.
    weir_span header;
    weir_span payload;
    /// When the host would like the call to have returned, by `monotonic_nanoseconds`. UINT64_MAX: whenever.
    uint64_t deadline;
    /// The stream's 128-bit name, its most significant byte first.
    uint8_t stream[16];
    /// The numbers of the stream that this frame covers, from 1. Never reused: with `stream`, they identify a frame
    /// that is delivered a second time because the first delivery's success was not seen.
    uint64_t first;
    uint64_t last;
    uint32_t part;
    uint32_t parts;
    /// The time that the batch covers. Nanoseconds since 1970.
    uint64_t start_time;
    uint64_t end_time;
    /// Series, and single numbers in them.
    uint64_t rows;
    uint64_t points;
    /// What the payload decompresses to.
    uint64_t raw_length;
    /// How many gaps the header tells of.
    uint64_t gaps;
} weir_frame;

/// How a delivery ended. Any other number counts as WEIR_RETRY with a limit of 10.
enum {
    /// The destination has the frame. The host forgets it.
    WEIR_OK = 0,
    /// Not now: try the same frame again, later. For what passes by itself: no connection, no space, too many requests.
    WEIR_RETRY = 1,
    /// The destination took `accepted_rows` and will never take the others. The host forgets the frame.
    WEIR_PARTIAL = 2,
    /// This frame will never be taken; the next one may be. The host drops it and counts it as rejected.
    WEIR_REJECT = 3,
    /// This sink is misconfigured: no frame will ever be taken. The host delivers nothing more.
    WEIR_FATAL = 4
};

/// `weir_result.flags`: the destination may have the frame although its acknowledgement was not seen.
#define WEIR_RESULT_UNCERTAIN 1u
/// Since 1.4, with WEIR_REJECT and WEIR_PARTIAL: all that the destination refused is older than what it has. The host counts
/// it as out of order; one of an earlier minor version as rejected.
#define WEIR_RESULT_OUT_OF_ORDER 2u

/// What a call came to. The host fills `size`, `message` and its capacity and zeroes the rest, which means success; the
/// plugin sets what differs.
typedef struct weir_result {
    uint32_t size;
    uint32_t code;
    uint32_t flags;
    /// With WEIR_RETRY: after so many attempts of one frame the host takes the next failure for WEIR_REJECT. 0: never.
    uint32_t attempt_limit;
    /// With WEIR_RETRY: the destination asked for at least so long a pause. 0: it did not say.
    uint64_t retry_after_nanoseconds;
    /// With WEIR_PARTIAL.
    uint64_t accepted_rows;
    /// A sentence for the log: the plugin copies at most `message_capacity` bytes to `message` and says how many.
    char *message;
    size_t message_capacity;
    size_t message_length;
} weir_result;

// MARK: - Columns

// What a frame's payload holds, read by the host (WEIR_FEATURE_COLUMNS). Every text here is followed by a zero byte that
// `length` does not count. Names, keys and bounds are good until `deliver` returns, a row's arrays until the next row is
// read.

/// A tag of a row, or an attribute of who measures.
typedef struct weir_tag {
    weir_text key;
    weir_text value;
} weir_tag;

/// A batch: one collection.
typedef struct weir_batch {
    uint32_t size;
    uint32_t reserved;
    size_t views_count;
    /// Who measured: `service.name` and its like.
    const weir_tag *WEIR_NULLABLE resource;
    size_t resource_count;
} weir_batch;

/// What a view makes of measurements: `weir_view.kind`.
enum {
    WEIR_VIEW_COUNT = 1,
    WEIR_VIEW_SUM = 2,
    WEIR_VIEW_LAST_VALUE = 3,
    WEIR_VIEW_DISTRIBUTION = 4,
    WEIR_VIEW_EXPONENTIAL_DISTRIBUTION = 5
};

/// `weir_view.flags`.
enum {
    /// The numbers are whole: `weir_row.integer` has them exactly.
    WEIR_VIEW_INTEGER = 1,
    /// A count, or a sum that only grows.
    WEIR_VIEW_MONOTONIC = 2,
    /// Values count from the batch before, not from the row's start.
    WEIR_VIEW_DELTA = 4,
    /// Rows of a distribution know their smallest and greatest value.
    WEIR_VIEW_RANGE = 8
};

/// A view: a table with one row a series.
typedef struct weir_view {
    uint32_t size;
    uint32_t kind;
    uint32_t flags;
    /// WEIR_VIEW_EXPONENTIAL_DISTRIBUTION: bucket i holds values in (base^i, base^(i+1)], base 2^(2^-scale).
    int32_t scale;
    size_t rows_count;
    /// `http/latency`.
    weir_text name;
    weir_text description;
    /// UCUM: `s`, `By`, `1`.
    weir_text unit;
    /// What is measured: `http.server.duration`.
    weir_text measure;
    /// WEIR_VIEW_DISTRIBUTION: the upper bounds of all buckets but the last, ascending, each inclusive.
    const double *WEIR_NULLABLE bounds;
    size_t bounds_count;
} weir_view;

/// Buckets in use of an exponential distribution, ascending by index.
typedef struct weir_buckets {
    const int32_t *WEIR_NULLABLE indexes;
    const uint64_t *WEIR_NULLABLE counts;
    size_t count;
} weir_buckets;

/// A single measurement, kept as an example of those that its row adds up.
typedef struct weir_exemplar {
    /// What was measured, also where the view counts.
    double value;
    /// Nanoseconds since 1970.
    uint64_t time;
    /// The trace and the span that it belongs to, the most significant byte first. All 0: none.
    uint8_t trace[16];
    uint8_t span[8];
    /// The tags of the measurement that the row does not have.
    const weir_tag *WEIR_NULLABLE tags;
    size_t tags_count;
} weir_exemplar;

/// A row: one series. Fields that its view's kind does not have are 0.
typedef struct weir_row {
    uint32_t size;
    uint32_t reserved;
    /// The tags that the series has, in the order of the view's keys.
    const weir_tag *WEIR_NULLABLE tags;
    size_t tags_count;
    /// When the series began, and the time of its values. Nanoseconds since 1970.
    uint64_t start_time;
    uint64_t end_time;
    /// The count, sum or last value; a distribution's sum.
    double value;
    /// The same, where the view has WEIR_VIEW_INTEGER.
    int64_t integer;
    /// Both distributions: how many measurements.
    uint64_t count;
    /// Both distributions, where the view has WEIR_VIEW_RANGE; not a number in a row without measurements.
    double minimum;
    double maximum;
    /// WEIR_VIEW_DISTRIBUTION: counts by bucket, one more than the view has bounds.
    const uint64_t *WEIR_NULLABLE buckets;
    size_t buckets_count;
    /// WEIR_VIEW_EXPONENTIAL_DISTRIBUTION: measurements equal to zero, of values above it, and below it by magnitude.
    uint64_t zero_count;
    weir_buckets positive;
    weir_buckets negative;
    /// Since 1.3; a host of an earlier minor version leaves them as they were. In a distribution at most one a bucket.
    const weir_exemplar *WEIR_NULLABLE exemplars;
    size_t exemplars_count;
} weir_row;

// MARK: - The host

enum {
    WEIR_LOG_DEBUG = 1,
    WEIR_LOG_INFO = 2,
    WEIR_LOG_WARNING = 3,
    WEIR_LOG_ERROR = 4
};

/// Feature bits of `weir_host.features` and `weir_plugin.required_features`.
#define WEIR_FEATURE_READ_HEADER (1ull << 0)
#define WEIR_FEATURE_COLUMNS (1ull << 1)
#define WEIR_FEATURE_COLLECT (1ull << 2)
#define WEIR_FEATURE_DEMAND (1ull << 3)

/// What the host does for a plugin. The table given to `weir_plugin_entry` lives as long as the process; the one given
/// to `open`, which logs under the sink's name, until `close` returns. All functions may be called from any thread, those
/// of WEIR_FEATURE_COLUMNS only while `deliver` runs and one at a time.
typedef struct weir_host {
    uint64_t magic;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t size;
    uint32_t reserved;
    uint64_t features;
    /// The first argument of every function below.
    void *WEIR_NULLABLE context;
    /// A line in the application's log; the text is copied. Lines may be dropped where there are too many.
    void (*log)(void *WEIR_NULLABLE context, uint32_t level, weir_text message);
    /// Nanoseconds since 1970. May step.
    uint64_t (*wall_nanoseconds)(void *WEIR_NULLABLE context);
    /// Nanoseconds since some fixed moment. Never steps.
    uint64_t (*monotonic_nanoseconds)(void *WEIR_NULLABLE context);
    /// WEIR_FEATURE_READ_HEADER: reads the header that `bytes` begin with, which may go on behind it, and fills `frame`
    /// as far as its `size` covers, `header` set to the header's own bytes and `payload` to {NULL, length that follows
    /// the header}. Returns 1, or 0 where no whole and valid header stands there.
    int32_t (*read_header)(void *WEIR_NULLABLE context, weir_span bytes, weir_frame *frame);
    /// WEIR_FEATURE_COLUMNS, of the frame that this sink's `deliver` was called with: each fills its last argument as far
    /// as that one's `size` covers, and returns 1; or 0 where nothing is delivered or there is no such place. `read_batch`
    /// also returns 0, and logs why, where the payload cannot be read or is none. It is decoded once a frame, when first
    /// asked for.
    ///
    ///     weir_batch batch = { .size = sizeof batch };
    ///     if (!host->read_batch(host->context, &batch)) ...
    ///     for (size_t v = 0; v < batch.views_count; v++) {
    ///         weir_view view = { .size = sizeof view };
    ///         host->read_view(host->context, v, &view);
    ///         for (size_t r = 0; r < view.rows_count; r++) {
    ///             weir_row row = { .size = sizeof row };
    ///             host->read_row(host->context, v, r, &row);
    int32_t (*read_batch)(void *WEIR_NULLABLE context, weir_batch *batch);
    int32_t (*read_view)(void *WEIR_NULLABLE context, size_t view, weir_view *to);
    int32_t (*read_row)(void *WEIR_NULLABLE context, size_t view, size_t row, weir_row *to);
    /// WEIR_FEATURE_DEMAND: asks for so many batches more. In a sink that is configured to wait for demand nothing is
    /// delivered without it, and what was asked for adds up; elsewhere it changes nothing. What the end of a plugin's
    /// process leaves unanswered still stands for the one that replaces it.
    void (*demand)(void *WEIR_NULLABLE context, uint64_t batches);
    /// WEIR_FEATURE_COLLECT, since 1.2: asks for a batch of this moment, as a destination does that fetches. Returns at
    /// once; the batch is delivered like any other, and its `end_time` is the moment of the collection. What is asked
    /// before that begins is one request, and there is a pause between two collections that were asked for.
    ///
    /// A sink whose plugin names the feature in `required_features` has a stream of its own: no other sink sees what it
    /// asks for. It gets batches when it asks, at the end of all, and every interval only where the user named one for it.
    /// Series that ended before it asked may be missing. For other sinks the function does nothing.
    void (*collect)(void *WEIR_NULLABLE context);
} weir_host;

// MARK: - The plugin

enum {
    /// Any text.
    WEIR_SETTING_TEXT = 1,
    /// A whole number.
    WEIR_SETTING_INTEGER = 2,
    /// `true` or `false`; `number` is 1 or 0.
    WEIR_SETTING_BOOLEAN = 3,
    /// A size, `512`, `64KiB`, `4MB`; `number` in bytes.
    WEIR_SETTING_BYTES = 4,
    /// A duration, `500ms`, `10s`, `1h`; `number` in nanoseconds.
    WEIR_SETTING_DURATION = 5,
    /// One of the words in `choices`; `number` is its place there, from 0.
    WEIR_SETTING_CHOICE = 6
};

/// A setting that a plugin knows. The host refuses others, and values that do not fit, before it calls `open`.
typedef struct weir_setting_kind {
    /// Zero-terminated, as are all strings here. `rotateBytes`.
    const char *key;
    /// One sentence.
    const char *description;
    /// The value where the configuration names none, in the form that a user would write. NULL: must be named.
    const char *WEIR_NULLABLE default_value;
    /// The words of a choice, separated by `|`.
    const char *WEIR_NULLABLE choices;
    /// Bounds of `number`, both inclusive, for integers, bytes and durations. Lengths of a text in bytes.
    int64_t minimum;
    int64_t maximum;
    uint32_t kind;
    uint32_t reserved;
} weir_setting_kind;

/// One setting as the host checked it: one for each kind that the plugin names, in that order, defaults included.
typedef struct weir_setting {
    const char *key;
    /// As the user wrote it. A zero byte follows.
    weir_text text;
    /// What it means, where the kind has a number.
    int64_t number;
} weir_setting;

/// Something that a plugin counts itself; exported as `weir.exporter.<name>`, tagged with the sink.
typedef struct weir_counter {
    /// Zero-terminated and living as long as the instance. `files.removed`.
    const char *name;
    /// UCUM: `{file}`, `By`.
    const char *unit;
    /// Only grows.
    uint64_t value;
} weir_counter;

/// What `open` gives back beside the handle. The host fills `size` and zeroes the rest.
typedef struct weir_opened {
    uint32_t size;
    /// Not 0: `previous_stream` names the stream that this sink wrote before; the first header delivered will say so.
    uint32_t has_previous_stream;
    uint8_t previous_stream[16];
    /// The instance: the first argument of the calls that follow.
    void *WEIR_NULLABLE handle;
} weir_opened;

/// What a plugin is. Lives as long as the process: a plugin is never unloaded.
typedef struct weir_plugin {
    uint64_t magic;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t size;
    uint32_t reserved;
    /// What the host must be able to do.
    uint64_t required_features;
    /// Zero-terminated. The exporter's kind, `file`, and the plugin's own version.
    const char *name;
    const char *version;
    /// The first argument of `open`.
    void *WEIR_NULLABLE context;
    const weir_setting_kind *WEIR_NULLABLE settings;
    size_t settings_count;
    /// Makes an instance and fills `opened`; or sets `result` to WEIR_FATAL (WEIR_RETRY where it may work later) and a
    /// message that says what is wrong, where, and what would be right. `settings` are gone when it returns.
    void (*open)(
        void *WEIR_NULLABLE context, const weir_host *host, const weir_setting *WEIR_NULLABLE settings,
        size_t settings_count, weir_opened *opened, weir_result *result);
    /// Delivers one frame. An end mark (WEIR_FRAME_END_MARK) has no payload, is the last and is not tried again: what
    /// is buffered goes out with it.
    void (*deliver)(void *WEIR_NULLABLE handle, const weir_frame *frame, weir_result *result);
    /// Ends the instance and frees the handle, whatever happens.
    void (*close)(void *WEIR_NULLABLE handle);
    /// Asks a running call to return soon: with WEIR_RETRY, unless it has succeeded. Returns at once. May be NULL.
    void (*WEIR_NULLABLE stop)(void *WEIR_NULLABLE handle);
    /// Fills at most `capacity` counters and returns how many there are. May be NULL.
    size_t (*WEIR_NULLABLE counters)(void *WEIR_NULLABLE handle, weir_counter *counters, size_t capacity);
} weir_plugin;

/// The one symbol of a plugin. Called once a process. NULL: the plugin does not want to run here and has logged why.
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const weir_plugin *WEIR_NULLABLE weir_plugin_entry(const weir_host *host);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif

#endif
