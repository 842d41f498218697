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
/* Does it lead out, to a host that anyone may reach? Not: this machine, private and link-local networks, shared and reserved
 * ranges, multicast, and IPv6 forms that hold such an IPv4 address.
 * Source: IANA's registries of special-purpose addresses (RFC 6890 and its updates). */
bool address_is_public(const struct sockaddr *address);
