/* SPDX-License-Identifier: GPL-2.0 */
/* Between trace.bpf.c and trace.c. */
#ifndef TRACE_PRIVATE_H
#define TRACE_PRIVATE_H

#include "meta_kv_spoil.h"

/*
 * A hop is 8 bytes: what and where in the upper 16 bits, when in the lower 48 (ns since
 * boot: 78 hours until it wraps). Where is the index of the device, which this example
 * makes different in all its namespaces.
 */
enum trace_hook { SOCKET_OUT, TC_EGRESS, TC_INGRESS, SOCKET_IN };

#define HOP(hook, dev, ns)	((__u64)((hook) << 8 | ((dev) & 0xff)) << 48 | \
				 ((ns) & 0xffffffffffffULL))
#define HOP_PLACE(hop)		((hop) >> 48)
#define HOP_HOOK(hop)		((hop) >> 56)
#define HOP_DEV(hop)		((hop) >> 48 & 0xff)
#define HOP_NS(hop)		((hop) & 0xffffffffffffULL)

#define META_KEY_TRACE_CUT	63	/* a flag: there was no room for a hop */
#define HOPS			16	/* of one packet: more than there is room for */
#define TRACE_TEXT		16	/* bytes of payload, for those who doubt the id */

/* What a packet has seen when it comes to its socket. */
struct trace_record {
	__u64 id;
	__u64 hop[HOPS];
	__u32 hops;
	__u32 cut;
	char text[TRACE_TEXT];
};

enum trace_mode { TRACE_WORK, TRACE_COUNT };	/* the latter: nothing but count packets */

#endif
