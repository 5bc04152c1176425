#include <zlib.h>

/// `deflateInit2` is a macro, which Swift does not see. The window's 16 more ask for a gzip header.
static inline int weir_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
