/* descriptors.h -- what our gRPC port speaks, for server reflection: OTLP's three services, health checks, reflection itself.
 *
 * A google.protobuf.FileDescriptorSet, made by descriptors_generate.py. Thread: any. Memory: constant. */
#pragma once
#include "base/bytes.h"

struct bytes descriptors(void);
