/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trains of packets whose payload says which one each is: records of testbed.h, and
 * sockets in namespaces that send and receive them. A socket stays in the namespace it
 * was made in, so one thread can hold all ends.
 *
 * Also what tests ask the kernel about packet metadata.
 */
#ifndef LIB_TRAIN_H
#define LIB_TRAIN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define TRAIN_PACKET	256	/* bytes of payload, whole records */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* "192.0.2.1" or "2001:db8::1"; the length to pass on, or 0 for what is no address. */
socklen_t address(union address *a, const char *text, unsigned short port);

/*
 * A socket of that namespace, not blocking, bound to address and port and listening
 * (SOCK_STREAM) if text is not NULL. -1 and a line on stderr when it cannot be had.
 */
int train_socket(const char *ns, int family, int type, const char *text, unsigned short port);

/* nr packets of this epoch, numbered from first. False: a line is on stderr. */
bool train_send(int fd, const union address *to, unsigned int epoch, unsigned int first,
		unsigned int nr);

/*
 * Waits for nr packets of this epoch, whatever their order; false when they do not come.
 * Those of other epochs are thrown away.
 */
bool train_receive(int fd, unsigned int epoch, unsigned int nr);

/*
 * One connection from a new socket of namespace from to the listener at addr, and through
 * it bytes (whole records) of packet number seq. accepted(), if not NULL, is told of the
 * new socket before anything is sent. False: a line is on stderr.
 */
struct stream {
	const char *from;
	union address *to;
	int listener;
	unsigned int epoch, seq, bytes;
	int (*accepted)(int fd);
};
bool stream_run(const struct stream *s);

/*
 * Does this kernel keep metadata beyond tc, as the series movable does? If not, why a
 * test has to be skipped: NULL means it must not be.
 */
const char *meta_missing(void);

/* A line of /proc/net/skb_meta; -1 if there is none of that name. */
long meta_counter(const char *name);

#endif
