#pragma once
/* parked list | show ID | replay ID... | replay all; the exit code. */
int parked_command(int argc, char **argv);
