/* grpc_reflection.h -- the service grpc.reflection.v1.ServerReflection (and v1alpha, the same under its old name): tools such
 * as grpcurl ask it what services there are and how their messages look.
 *
 *   google.protobuf.FileDescriptorSet --create--> files <--list, file by name, file of a symbol-- grpcurl
 *
 * A file is answered with all that it imports, itself first. No key is asked for.
 *
 * Thread: the loop's of the server that it is given to. Memory: the set is borrowed, and must live as long.
 * Errors: ERR_CORRUPT: the set is not one. Clients: NOT_FOUND, INVALID_ARGUMENT in an answer; the call goes on.
 * Source: grpc/reflection/v1/reflection.proto, google/protobuf/descriptor.proto. */
#pragma once
#include "net/grpc.h"

struct grpc_reflection;

MUST_CHECK bool grpc_reflection_create(struct grpc_reflection **reflection, struct bytes descriptor_set,
                                       struct err *err);
struct grpc_service grpc_reflection_service(struct grpc_reflection *reflection);
struct grpc_service grpc_reflection_service_alpha(struct grpc_reflection *reflection);
void grpc_reflection_destroy(struct grpc_reflection *reflection); /* NULL is fine */
