/* The least that a UDP server can cost: recvmmsg, QR set, sendmmsg.

   echo PORT: answers on 127.0.0.1 until it is killed. The batch of 64 and the
   timeout of 100 ms on the socket are those of sparrow's UDP loop. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BATCH = 64, SIZE = 4096, HEADER = 12, RECEIVE_BUFFER = 4 << 20 };

/* Apart by an odd number of cache lines, so that equal places of a batch share no set. */
static _Alignas(64) unsigned char packets[BATCH][SIZE + 64];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static int open_socket(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval timeout = {.tv_usec = 100000};
    int size = RECEIVE_BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (struct sockaddr *)&here, sizeof here)) {
        perror("echo: bind");
        exit(1);
    }
    return fd;
}

static void prepare_receive(int count) {
    for (int i = 0; i < count; i++) {
        vectors[i].iov_base = packets[i];
        vectors[i].iov_len = SIZE;
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &peers[i];
        messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
}

static void send_all(int fd, int count) {
    int sent = 0;
    while (sent < count) {
        int now = sendmmsg(fd, messages + sent, count - sent, 0);
        sent += now > 0 ? now : 1; /* a message that cannot be sent is left out */
    }
}

int main(int argc, char **argv) {
    int fd = open_socket(argc > 1 ? atoi(argv[1]) : 0);
    prepare_receive(BATCH);
    for (;;) {
        int answers = 0;
        int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return 1;
        for (int i = 0; i < count; i++) {
            if (messages[i].msg_len < HEADER)
                continue;
            packets[i][2] |= 0x80; /* QR, RFC 1035 section 4.1.1 */
            vectors[i].iov_len = messages[i].msg_len;
            if (answers != i)
                messages[answers] = messages[i];
            answers++;
        }
        send_all(fd, answers);
        prepare_receive(count);
    }
}
