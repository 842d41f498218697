/* key.h -- `monoscope key`: API keys of a data folder or database, beside a server or without one. */
#pragma once
int key_command(int argc, char **argv);
