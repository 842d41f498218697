#include "app/services.h"
#include "ingest/descriptors.h"

/* The names that load balancers may ask for; each is served when the whole is. */
static const char *const otlp_services[] = {
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
};

bool services_open(struct services *services, struct err *err)
{
    *services = (struct services){ 0 };
    if (!grpc_reflection_create(&services->reflection, descriptors(), err)) return false;
    services->health = grpc_health_create(otlp_services, COUNT_OF(otlp_services));
    services->list[0] = grpc_health_service(services->health);
    services->list[1] = grpc_reflection_service(services->reflection);
    services->list[2] = grpc_reflection_service_alpha(services->reflection);
    return true;
}

void services_set(struct services *services, bool is_serving)
{
    if (services->health) grpc_health_set(services->health, is_serving);
}

void services_close(struct services *services)
{
    grpc_health_destroy(services->health);
    grpc_reflection_destroy(services->reflection);
    *services = (struct services){ 0 };
}
