/* user.h -- `monoscope user`: the operator's way in, beside a server. */
#pragma once
int user_command(int argc, char **argv);
