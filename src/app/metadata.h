/* metadata.h -- `monoscope meta copy | backup | restore | check`: all metadata from one place to another. Thread: the command's. */
#pragma once
int metadata_command(int argc, char **argv);
