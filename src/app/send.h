/* send.h -- `monoscope send`: one log record over OTLP/gRPC, to see that a server takes it. Thread: main. */
#pragma once
int send_command(int argc, char **argv);
