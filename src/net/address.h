/* address.h -- "127.0.0.1", "::1" or a host's name, with a port, as the kernel wants it. Thread: any. */
#pragma once
#include <sys/socket.h>

#include "base/err.h"

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};
/* Looks names up (and waits for it); the first answer is taken. */
MUST_CHECK bool address_find(struct address *address, const char *host, uint16_t port, struct err *err);
uint16_t address_port(const struct address *address);
