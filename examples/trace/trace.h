/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The id of the request that a TCP socket is serving. BPF programs keep it: the socket's
 * packets carry it, and a packet that comes to a socket brings it.
 *
 *	getsockopt(fd, SOL_TRACE, TRACE_ID, &id, &len);	0: none
 *	setsockopt(fd, SOL_TRACE, TRACE_ID, &id, sizeof(id));
 *
 * ENOPROTOOPT: there are no such programs; then nothing is traced.
 */
#ifndef TRACE_H
#define TRACE_H

#define SOL_TRACE	0x74726163	/* "trac" */
#define TRACE_ID	1		/* __u64 */

/*
 * Between the two halves of a proxy, on a Unix socket: no packets, so nothing that could
 * carry it. In front of each chunk, from the half that has the client.
 */
struct handover {
	__u64 id;
	__u32 len;
};

#endif
