#include "net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

bool address_find(struct address *address, const char *host, uint16_t port, struct err *err)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed != 0) {
        bool is_final = failed == EAI_NONAME;
        return err_set(err, is_final ? ERR_INPUT : ERR_IO, "%s find the address \"%s\": %s",
                       is_final ? "cannot" : "could not", host, gai_strerror(failed));
    }
    assert(found->ai_addrlen <= sizeof address->storage);
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

uint16_t address_port(const struct address *address)
{
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    if (address->storage.ss_family == AF_INET) {
        memcpy(&ip4, &address->storage, sizeof ip4);
        return ntohs(ip4.sin_port);
    }
    assert(address->storage.ss_family == AF_INET6);
    memcpy(&ip6, &address->storage, sizeof ip6);
    return ntohs(ip6.sin6_port);
}
