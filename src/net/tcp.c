#include "net/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/address.h"
#include "net/tls.h"

struct tcp_listener {
    int fd;      /* non-blocking: a connection may be gone between poll and accept */
    int stop_fd; /* readable for ever once stopped */
    uint16_t port;
};

struct tcp {
    int fd;                  /* blocking */
    struct tls_session *tls; /* NULL: in the clear */
    uint8_t *sealed_in;      /* SEALED_BYTES that came, TLS's to take */
    uint8_t *sealed_out;     /* the same, on their way out */
};

enum { ACCEPT_BACKLOG = 512, ACCEPT_RETRY_MS = 50, SEALED_BYTES = 16 << 10 };

bool tcp_listen(struct tcp_listener **out, const char *host, uint16_t port, struct err *err)
{
    *out = NULL;
    struct address address;
    if (!address_find(&address, host, port, err)) return false;
    struct tcp_listener *listener = mem_calloc(1, sizeof *listener);
    listener->fd = listener->stop_fd = -1;
    int family = address.storage.ss_family, yes = 1;
    listener->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    listener->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listener->fd == -1 || listener->stop_fd == -1) {
        err_os(err, "could not make a socket to listen on");
        goto fail;
    }
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1 ||
        bind(listener->fd, (struct sockaddr *)&address.storage, address.len) == -1 ||
        listen(listener->fd, ACCEPT_BACKLOG) == -1) {
        err_os(err, "could not listen on %s, port %u", host, port);
        goto fail;
    }
    if (getsockname(listener->fd, (struct sockaddr *)&address.storage, &address.len) == -1) {
        err_os(err, "could not read the port we listen on");
        goto fail;
    }
    listener->port = address_port(&address);
    *out = listener;
    return true;
fail:
    tcp_listener_close(listener);
    return false;
}

uint16_t tcp_listener_port(const struct tcp_listener *listener)
{
    return listener->port;
}

static struct tcp *tcp_create(int fd)
{
    int yes = 1, idle_seconds = 60;
    /* Each is a wish: without it the connection is slower, or a dead peer is noticed later. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
    struct tcp *tcp = mem_calloc(1, sizeof *tcp);
    tcp->fd = fd;
    return tcp;
}

/* What accept(2) reports of the one connection, not of us: look at the next. */
static bool is_of_the_connection(int os_errno)
{
    return os_errno == EAGAIN || os_errno == EINTR || os_errno == ECONNABORTED || os_errno == EPROTO ||
           os_errno == ENETDOWN || os_errno == ENOPROTOOPT || os_errno == EHOSTDOWN || os_errno == ENONET ||
           os_errno == EHOSTUNREACH || os_errno == EOPNOTSUPP || os_errno == ENETUNREACH || os_errno == EPERM;
}

static bool is_of_room(int os_errno)
{
    return os_errno == EMFILE || os_errno == ENFILE || os_errno == ENOBUFS || os_errno == ENOMEM;
}

bool tcp_accept(struct tcp_listener *listener, struct tcp **tcp, struct err *err)
{
    *tcp = NULL;
    for (;;) {
        struct pollfd fds[2] = { { .fd = listener->stop_fd, .events = POLLIN },
                                 { .fd = listener->fd, .events = POLLIN } };
        if (poll(fds, 2, -1) == -1 && errno != EINTR) return err_os(err, "could not wait for a connection");
        if (fds[0].revents != 0) return err_set(err, ERR_CANCELLED, "the listener was stopped");
        if (fds[1].revents == 0) continue;

        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd != -1) {
            *tcp = tcp_create(fd);
            return true;
        }
        if (is_of_the_connection(errno)) continue;
        if (!is_of_room(errno)) return err_os(err, "could not accept a connection");
        (void)poll(fds, 1, ACCEPT_RETRY_MS); /* it stays readable: wait for room without spinning */
    }
}

void tcp_listener_stop(struct tcp_listener *listener)
{
    uint64_t one = 1;
    ssize_t written = write(listener->stop_fd, &one, sizeof one);
    (void)written; /* it can only fail when it was stopped 2^64 times */
}

void tcp_listener_close(struct tcp_listener *listener)
{
    if (listener == NULL) return;
    if (listener->fd != -1) close(listener->fd);
    if (listener->stop_fd != -1) close(listener->stop_fd);
    free(listener);
}

bool tcp_connect(struct tcp **tcp, const char *host, uint16_t port, struct err *err)
{
    *tcp = NULL;
    struct address address;
    if (!address_find(&address, host, port, err)) return false;
    int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) return err_os(err, "could not make a socket");
    int failed = connect(fd, (struct sockaddr *)&address.storage, address.len);
    if (failed == -1 && errno == EINTR) { /* it goes on by itself; its end shows as writable */
        struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
        socklen_t len = sizeof errno;
        while (poll(&poll_fd, 1, -1) == -1 && errno == EINTR) {}
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0) errno = failed;
    }
    if (failed != 0) {
        err_os(err, "could not connect to %s, port %u", host, port);
        close(fd);
        return false;
    }
    *tcp = tcp_create(fd);
    return true;
}

/* False with ERR_TIMEOUT when nothing came in time. */
static bool readable_wait(int fd, int timeout_ms, struct err *err)
{
    uint64_t deadline_ns = clock_mono_ns() + (uint64_t)timeout_ms * 1000000u;
    int left_ms = timeout_ms;
    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int count = poll(&poll_fd, 1, left_ms);
        if (count > 0) return true;
        if (count == -1 && errno != EINTR) return err_os(err, "could not wait for the peer");
        uint64_t now_ns = clock_mono_ns();
        if (count == 0 || now_ns >= deadline_ns) {
            return err_set(err, ERR_TIMEOUT, "the peer sent nothing for %d ms", timeout_ms);
        }
        left_ms = (int)((deadline_ns - now_ns) / 1000000u) + 1;
    }
}

static bool socket_read(struct tcp *tcp, void *ptr, size_t max, size_t *len, int timeout_ms, struct err *err)
{
    *len = 0;
    if (timeout_ms >= 0 && !readable_wait(tcp->fd, timeout_ms, err)) return false;
    ssize_t count;
    do {
        count = recv(tcp->fd, ptr, max, 0);
    } while (count == -1 && errno == EINTR);
    if (count == -1) return err_os(err, "could not read from the peer");
    *len = (size_t)count;
    return true;
}

static bool socket_write(struct tcp *tcp, struct bytes bytes, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t count = send(tcp->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (count == -1 && errno == EINTR) continue;
        if (count == -1) return err_os(err, "could not write to the peer");
        bytes.ptr += count;
        bytes.len -= (size_t)count;
    }
    return true;
}

/* ---- TLS ---- */

static bool tls_send(struct tcp *tcp, struct err *err)
{
    size_t len;
    while ((len = tls_session_fill(tcp->tls, tcp->sealed_out, SEALED_BYTES)) > 0) {
        if (!socket_write(tcp, bytes_from(tcp->sealed_out, len), err)) return false;
    }
    return true;
}

/* ptr NULL: until hands are shaken. */
static bool tls_read(struct tcp *tcp, void *ptr, size_t max, size_t *len, int timeout_ms, struct err *err)
{
    uint64_t until_ns = clock_mono_ns() + (uint64_t)timeout_ms * 1000000u;
    for (;;) {
        bool ok = tls_session_read(tcp->tls, ptr, max, len, err);
        struct err ignored = { 0 };
        if (!ok) {
            (void)!tls_send(tcp, &ignored); /* the alert */
            return false;
        }
        bool is_done = ptr == NULL ? tls_session_is_ready(tcp->tls) : *len > 0;
        if (!tls_send(tcp, err)) return false;
        if (is_done || tls_session_has_ended(tcp->tls)) return true;
        uint64_t now_ns = clock_mono_ns();
        int left_ms = timeout_ms < 0 ? -1 : now_ns >= until_ns ? 0 : (int)((until_ns - now_ns) / 1000000u) + 1;
        size_t sealed_len;
        if (!socket_read(tcp, tcp->sealed_in, SEALED_BYTES, &sealed_len, left_ms, err)) return false;
        if (sealed_len == 0) return true;
        tls_session_feed(tcp->tls, bytes_from(tcp->sealed_in, sealed_len));
    }
}

bool tcp_start_tls(struct tcp *tcp, struct tls_session *tls, int timeout_ms, struct err *err)
{
    assert(tcp->tls == NULL);
    size_t len;
    tcp->tls = tls;
    tcp->sealed_in = mem_alloc(SEALED_BYTES);
    tcp->sealed_out = mem_alloc(SEALED_BYTES);
    if (!tls_read(tcp, NULL, 0, &len, timeout_ms, err)) return err_within(err, "TLS");
    return tls_session_is_ready(tls) || err_set(err, ERR_IO, "TLS: the peer closed the connection");
}

bool tcp_peek(struct tcp *tcp, int *byte, int timeout_ms, struct err *err)
{
    uint8_t first;
    assert(tcp->tls == NULL);
    *byte = -1;
    if (timeout_ms >= 0 && !readable_wait(tcp->fd, timeout_ms, err)) return false;
    ssize_t count;
    do {
        count = recv(tcp->fd, &first, 1, MSG_PEEK);
    } while (count == -1 && errno == EINTR);
    if (count == -1) return err_os(err, "could not read from the peer");
    if (count == 1) *byte = first;
    return true;
}

bool tcp_read(struct tcp *tcp, void *ptr, size_t max, size_t *len, int timeout_ms, struct err *err)
{
    assert(max > 0);
    if (tcp->tls != NULL) return tls_read(tcp, ptr, max, len, timeout_ms, err);
    return socket_read(tcp, ptr, max, len, timeout_ms, err);
}

bool tcp_write(struct tcp *tcp, struct bytes bytes, struct err *err)
{
    enum { PIECE_BYTES = 64 << 10 };
    if (tcp->tls == NULL) return socket_write(tcp, bytes, err);
    while (bytes.len > 0) {
        struct bytes piece = { bytes.ptr, bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES };
        if (!tls_session_write(tcp->tls, piece, err) || !tls_send(tcp, err)) return false;
        bytes.ptr += piece.len;
        bytes.len -= piece.len;
    }
    return true;
}

/* Says that nothing more comes, if the socket takes it without waiting. */
static void tls_end(struct tcp *tcp)
{
    tls_session_end(tcp->tls);
    size_t len = tls_session_fill(tcp->tls, tcp->sealed_out, SEALED_BYTES);
    if (len > 0) (void)!send(tcp->fd, tcp->sealed_out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the end ---- */

bool tcp_is_hung_up(struct tcp *tcp)
{
    struct pollfd poll_fd = { .fd = tcp->fd, .events = POLLRDHUP };
    return poll(&poll_fd, 1, 0) == 1;
}

bool tcp_has_tls(const struct tcp *tcp)
{
    return tcp->tls != NULL;
}

const struct tls_session *tcp_tls(const struct tcp *tcp)
{
    return tcp->tls;
}

void tcp_peer(const struct tcp *tcp, char *out, size_t out_bytes)
{
    struct sockaddr_storage name = { 0 };
    socklen_t len = sizeof name;
    out[0] = '\0';
    if (getpeername(tcp->fd, (struct sockaddr *)&name, &len) == -1) return;
    const void *ip = name.ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)&name)->sin6_addr
                                                : (const void *)&((const struct sockaddr_in *)&name)->sin_addr;
    if (!inet_ntop(name.ss_family, ip, out, (socklen_t)out_bytes)) out[0] = '\0';
}

bool tcp_is_loopback(const struct tcp *tcp)
{
    static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF }; /* IPv4 inside IPv6 */
    struct sockaddr_storage name = { 0 };
    socklen_t len = sizeof name;
    if (getpeername(tcp->fd, (struct sockaddr *)&name, &len) == -1) return false;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        return *(const uint8_t *)&v4->sin_addr == 127;
    }
    if (name.ss_family != AF_INET6) return false;
    const struct in6_addr *ip = &((const struct sockaddr_in6 *)&name)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(ip) || (memcmp(ip, mapped, sizeof mapped) == 0 && ip->s6_addr[12] == 127);
}

void tcp_end(struct tcp *tcp)
{
    if (tcp->tls != NULL) tls_end(tcp);
    (void)shutdown(tcp->fd, SHUT_WR);
}

void tcp_end_reading(struct tcp *tcp)
{
    (void)shutdown(tcp->fd, SHUT_RD);
}

void tcp_shutdown(struct tcp *tcp)
{
    (void)shutdown(tcp->fd, SHUT_RDWR); /* ENOTCONN: then there is nothing to end */
}

void tcp_close(struct tcp *tcp)
{
    if (tcp == NULL) return;
    if (tcp->tls != NULL) tls_end(tcp);
    tls_session_destroy(tcp->tls);
    free(tcp->sealed_in);
    free(tcp->sealed_out);
    close(tcp->fd);
    free(tcp);
}
