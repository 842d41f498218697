/* retention.h -- `monoscope retention`: how long a project's tables keep their rows; beside a running server too, which
 * takes it in within a second or two. */
#pragma once
/* argv without the program and the command. Returns the exit status. */
int retention_command(int argc, char **argv);
