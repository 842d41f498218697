#include "ingest/call.h"

#include <strings.h>

#include "net/http.h"

static const struct {
    struct bytes path;
    enum otlp_signal signal;
} services[] = {
    { { (const uint8_t *)"/opentelemetry.proto.collector.trace.v1.TraceService/Export", 59 }, OTLP_TRACES },
    { { (const uint8_t *)"/opentelemetry.proto.collector.logs.v1.LogsService/Export", 57 }, OTLP_LOGS },
    { { (const uint8_t *)"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", 63 }, OTLP_METRICS },
};

bool call_signal(struct bytes path, enum otlp_signal *signal, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(services); i++) {
        if (!bytes_equal(path, services[i].path)) continue;
        *signal = services[i].signal;
        return true;
    }
    return err_set(err, ERR_UNSUPPORTED,
                   "no such method; there are opentelemetry.proto.collector.trace.v1.TraceService/Export, "
                   "...logs.v1.LogsService/Export and ...metrics.v1.MetricsService/Export");
}

struct bytes call_key(struct bytes authorization, struct bytes x_api_key)
{
    static const char scheme[] = "bearer";
    const size_t scheme_len = sizeof scheme - 1;
    struct bytes text = http_trimmed(authorization);
    if (text.len > scheme_len && strncasecmp((const char *)text.ptr, scheme, scheme_len) == 0 &&
        (text.ptr[scheme_len] == ' ' || text.ptr[scheme_len] == '\t')) {
        return http_trimmed(bytes_from(text.ptr + scheme_len, text.len - scheme_len));
    }
    return http_trimmed(x_api_key);
}
