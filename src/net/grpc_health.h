/* grpc_health.h -- the service grpc.health.v1.Health: may calls come, or not (now)?
 *
 *   app --grpc_health_set--> status <--Check, List: once; Watch: and whenever it changes-- load balancer, Kubernetes
 *
 * Check of a service that we do not have is NOT_FOUND; Watch of one says SERVICE_UNKNOWN and stays. A change is told to those
 * who watch within a second, and before a connection is drained. No key is asked for.
 *
 * Thread: the loop's of the server that it is given to; grpc_health_set from any.
 * Memory: the names are borrowed, and must live as long. Source: grpc/health/v1/health.proto, doc/health-checking.md. */
#pragma once
#include "net/grpc.h"

struct grpc_health;

/* "" (the server as a whole) is known besides the services. Not serving until it is set. */
struct grpc_health *grpc_health_create(const char *const *services, uint32_t count);
void grpc_health_set(struct grpc_health *health, bool is_serving);
struct grpc_service grpc_health_service(struct grpc_health *health);
void grpc_health_destroy(struct grpc_health *health); /* NULL is fine */
