/* See campaign_statsd.h. */
#define _DEFAULT_SOURCE
#include "fuzz/campaign_statsd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int campaign_statsd_open(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    if (bind(descriptor, (const struct sockaddr *)&address, bytes) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &bytes) != 0) {
        close(descriptor);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return descriptor;
}

void campaign_statsd_read(int socket, struct campaign_counts *counts)
{
    char text[4096];
    ssize_t bytes;
    while (socket >= 0 && (bytes = recv(socket, text, sizeof(text) - 1, 0)) > 0) {
        text[bytes] = '\0';
        campaign_parse_statsd(text, counts);
    }
}

void campaign_statsd_close(int socket)
{
    if (socket >= 0)
        close(socket);
}
