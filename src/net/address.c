#include "net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

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

static bool ip4_is_public(uint32_t ip)
{
    static const struct {
        uint32_t prefix;
        int bits;
    } kept[] = {
        { 0x00000000, 8 },  /* this network */
        { 0x0A000000, 8 },  /* private */
        { 0x64400000, 10 }, /* shared, of carriers */
        { 0x7F000000, 8 },  /* this machine */
        { 0xA9FE0000, 16 }, /* link-local: metadata of clouds */
        { 0xAC100000, 12 }, /* private */
        { 0xC0000000, 24 }, /* protocol assignments */
        { 0xC0000200, 24 }, /* documentation */
        { 0xC0586300, 24 }, /* relays of 6to4 */
        { 0xC0A80000, 16 }, /* private */
        { 0xC6120000, 15 }, /* benchmarks */
        { 0xC6336400, 24 }, /* documentation */
        { 0xCB007100, 24 }, /* documentation */
        { 0xE0000000, 3 },  /* multicast, reserved, broadcast */
    };
    for (size_t k = 0; k < COUNT_OF(kept); k++)
        if ((ip ^ kept[k].prefix) >> (32 - kept[k].bits) == 0) return false;
    return true;
}

static uint32_t ip4_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool ip6_is_public(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF }, nat64[12] = { 0x00, 0x64, 0xFF, 0x9B };
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0) return ip4_is_public(ip4_at(ip + 12));
    if ((ip[0] & 0xE0) != 0x20) return false;                                           /* only 2000::/3 is given out */
    if (ip[0] == 0x20 && ip[1] == 0x02) return ip4_is_public(ip4_at(ip + 2));           /* 6to4 */
    if (ip[0] == 0x20 && ip[1] == 0x01 && ip[2] < 0x02) return false;                   /* Teredo, ORCHID ... */
    if (ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0D && ip[3] == 0xB8) return false; /* documentation */
    return !(ip[0] == 0x3F && ip[1] == 0xFF && ip[2] < 0x10);                           /* documentation */
}

bool address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    if (address->sa_family == AF_INET) {
        memcpy(&ip4, address, sizeof ip4);
        return ip4_is_public(ntohl(ip4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return false;
    memcpy(&ip6, address, sizeof ip6);
    return ip6_is_public(ip6.sin6_addr.s6_addr);
}
