/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a server asks where a request came from. No new kernel interface:
 *
 *	TCP	struct site_connection c;
 *		socklen_t len = sizeof(c);
 *
 *		getsockopt(fd, SOL_SITE, SITE_CONNECTION, &c, &len);
 *
 *		of an accepted socket; a BPF program answers. ENOPROTOOPT: there is none.
 *	UDP	setsockopt(fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on));
 *
 *		once; then each recvmsg() has a control message SO_MARK, and
 *		SITE_OF_MARK() of it is the datagram's site. The mark is in the datagram
 *		itself: nothing that is dropped, late or read by another thread can change
 *		whose it is.
 *
 * A site is a number from 1 to 0xffff. 0: not known, and nobody has guessed.
 */
#ifndef SITE_H
#define SITE_H

#define SITE_UNKNOWN	0

#define SOL_SITE	0x73697465	/* "site" */
#define SITE_CONNECTION	1

struct site_connection {
	/*
	 * By the packet that completed the handshake: who sent it has seen our answer. If
	 * the SYN came from another site, or its site is not known any more (SYN cookies
	 * keep nothing, but this program does), syn differs, and site is SITE_UNKNOWN when
	 * there are two different ones.
	 */
	__u32 site, syn;
	/* later packets of the connection from its site, from another one, from nobody knows */
	__u32 same, other, unknown;
};

/* Other users of marks do not have these upper bits: no mark of theirs is a site. */
#define SITE_MARK	0x517e0000
#define SITE_OF_MARK(m)	(((m) & 0xffff0000) == SITE_MARK ? (m) & 0xffff : SITE_UNKNOWN)

#endif
