/* services.h -- what the gRPC port has besides OTLP: health checks and reflection.
 *
 * Thread: the main thread opens, sets and closes; net's loop serves. Memory: lives as long as the port. */
#pragma once
#include "net/grpc.h"
#include "net/grpc_health.h"
#include "net/grpc_reflection.h"

enum { SERVICES = 3 };
struct services {
    struct grpc_health *health;
    struct grpc_reflection *reflection;
    struct grpc_service list[SERVICES]; /* for struct grpc_options */
};

/* Not serving until services_set. On failure nothing is open. */
MUST_CHECK bool services_open(struct services *services, struct err *err);
void services_set(struct services *services, bool is_serving); /* without effect when it is not open */
void services_close(struct services *services);                /* the same */
