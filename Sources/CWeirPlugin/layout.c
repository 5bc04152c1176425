// The layout of the plugin interface, written down as numbers: a change that moves a field fails here, and needs a new
// major version. Stated for 64-bit targets; on 32-bit ones the header alone decides.
#include "weir_plugin.h"

#if UINTPTR_MAX == UINT64_MAX

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, bytes) _Static_assert(offsetof(type, field) == (bytes), #type "." #field)

SIZE(weir_text, 16);
SIZE(weir_span, 16);

SIZE(weir_frame, 136);
AT(weir_frame, header, 8);
AT(weir_frame, payload, 24);
AT(weir_frame, deadline, 40);
AT(weir_frame, stream, 48);
AT(weir_frame, first, 64);
AT(weir_frame, last, 72);
AT(weir_frame, part, 80);
AT(weir_frame, start_time, 88);
AT(weir_frame, rows, 104);
AT(weir_frame, raw_length, 120);
AT(weir_frame, gaps, 128);

SIZE(weir_result, 56);
AT(weir_result, code, 4);
AT(weir_result, attempt_limit, 12);
AT(weir_result, retry_after_nanoseconds, 16);
AT(weir_result, accepted_rows, 24);
AT(weir_result, message, 32);
AT(weir_result, message_length, 48);

SIZE(weir_tag, 32);
AT(weir_tag, value, 16);
SIZE(weir_batch, 32);
AT(weir_batch, views_count, 8);
AT(weir_batch, resource, 16);
SIZE(weir_view, 104);
AT(weir_view, kind, 4);
AT(weir_view, flags, 8);
AT(weir_view, scale, 12);
AT(weir_view, rows_count, 16);
AT(weir_view, name, 24);
AT(weir_view, description, 40);
AT(weir_view, unit, 56);
AT(weir_view, measure, 72);
AT(weir_view, bounds, 88);
AT(weir_view, bounds_count, 96);
SIZE(weir_buckets, 24);
SIZE(weir_exemplar, 56);
AT(weir_exemplar, time, 8);
AT(weir_exemplar, trace, 16);
AT(weir_exemplar, span, 32);
AT(weir_exemplar, tags, 40);
SIZE(weir_row, 168);
AT(weir_row, tags, 8);
AT(weir_row, start_time, 24);
AT(weir_row, value, 40);
AT(weir_row, integer, 48);
AT(weir_row, count, 56);
AT(weir_row, minimum, 64);
AT(weir_row, buckets, 80);
AT(weir_row, zero_count, 96);
AT(weir_row, positive, 104);
AT(weir_row, negative, 128);
AT(weir_row, exemplars, 152);
AT(weir_row, exemplars_count, 160);

SIZE(weir_host, 112);
AT(weir_host, abi_major, 8);
AT(weir_host, size, 16);
AT(weir_host, features, 24);
AT(weir_host, context, 32);
AT(weir_host, log, 40);
AT(weir_host, wall_nanoseconds, 48);
AT(weir_host, monotonic_nanoseconds, 56);
AT(weir_host, read_header, 64);
AT(weir_host, read_batch, 72);
AT(weir_host, read_view, 80);
AT(weir_host, read_row, 88);
AT(weir_host, demand, 96);
AT(weir_host, collect, 104);

SIZE(weir_setting_kind, 56);
AT(weir_setting_kind, minimum, 32);
AT(weir_setting_kind, kind, 48);
SIZE(weir_setting, 32);
AT(weir_setting, text, 8);
AT(weir_setting, number, 24);
SIZE(weir_counter, 24);
SIZE(weir_opened, 32);
AT(weir_opened, previous_stream, 8);
AT(weir_opened, handle, 24);

SIZE(weir_plugin, 112);
AT(weir_plugin, abi_major, 8);
AT(weir_plugin, size, 16);
AT(weir_plugin, required_features, 24);
AT(weir_plugin, name, 32);
AT(weir_plugin, version, 40);
AT(weir_plugin, context, 48);
AT(weir_plugin, settings, 56);
AT(weir_plugin, open, 72);
AT(weir_plugin, deliver, 80);
AT(weir_plugin, close, 88);
AT(weir_plugin, stop, 96);
AT(weir_plugin, counters, 104);

#endif
