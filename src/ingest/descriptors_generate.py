"""Writes src/ingest/descriptors_data.c: the descriptors of the services that our gRPC port has, as server reflection hands
them out. Run by hand when OTLP changes, with the Python of the stories (tests/run makes it):

    .deps/python-*/bin/python3 src/ingest/descriptors_generate.py

They come from the packages opentelemetry-proto, grpcio-health-checking and grpcio-reflection of tests/requirements.txt."""
import os

from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

HEAD = """/* %s: google.protobuf.FileDescriptorSet of %d files, %d bytes.
 * Made by descriptors_generate.py; not to be edited. Apache-2.0: The OpenTelemetry Authors, The gRPC Authors. */
#include "ingest/descriptors.h"

/* clang-format off */
static const uint8_t data[] = {
%s
};

struct bytes descriptors(void)
{
    return bytes_from(data, sizeof data);
}
"""


def add(files, file):
    """The file after all that it imports."""
    if file.name not in files:
        for needed in file.dependencies:
            add(files, needed)
        made = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(made)
        files[file.name] = made


def reflection_v1(alpha):
    """The package has v1alpha only; v1 is the same under its new name."""
    made = descriptor_pb2.FileDescriptorProto.FromString(alpha.SerializeToString())
    made.name = made.name.replace("v1alpha", "v1")
    made.package = made.package.replace("v1alpha", "v1")
    for message in made.message_type:
        for field in message.field:
            field.type_name = field.type_name.replace("v1alpha", "v1")
    for service in made.service:
        for method in service.method:
            method.input_type = method.input_type.replace("v1alpha", "v1")
            method.output_type = method.output_type.replace("v1alpha", "v1")
    made.ClearField("options")  # names of Java and Go packages
    assert b"v1alpha" not in made.SerializeToString()
    return made


def main():
    files = {}
    for module in (trace_service_pb2, logs_service_pb2, metrics_service_pb2, health_pb2, reflection_pb2):
        add(files, module.DESCRIPTOR)
    v1 = reflection_v1(files[reflection_pb2.DESCRIPTOR.name])
    files[v1.name] = v1
    data = descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)
    lines = [", ".join("%d" % byte for byte in data[at:at + 25]) + "," for at in range(0, len(data), 25)]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "descriptors_data.c")
    with open(path, "w") as f:
        f.write(HEAD % (os.path.basename(path), len(files), len(data), "\n".join("    " + line for line in lines)))
    print("%s: %d files, %d bytes" % (path, len(files), len(data)))


main()
