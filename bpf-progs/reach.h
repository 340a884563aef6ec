/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the selftests of packet metadata and their programs agree on. Packets, nonces
 * and the bytes of a label are the testbed's: testbed.h says what they are and why.
 */
#ifndef REACH_H
#define REACH_H

#include "testbed.h"

/* Packets of another epoch are not judged; those that are have size bytes of label. */
struct reach_labels {
	__u32 epoch, size;
};

/* What a program saw at its hook: packets, and of the first corrupt one some more. */
struct reach_cell {
	__u64 kept, lost, corrupt;
	__s64 size;		/* of the metadata found; negative: an error number */
	__u32 nonce, off;	/* off: of the first word that is not right */
	__u32 have, want;
};

/* Where hooks.bpf.c reads. Ingress and egress are seen from the device. */
enum reach_hook {
	HOOK_TCX_INGRESS,	/* the first: behind XDP */
	HOOK_TCX_VXLAN_EGRESS,
	HOOK_TCX_VXLAN_INGRESS,
	HOOK_TCX_GRE_EGRESS,
	HOOK_TCX_GRE_INGRESS,
	HOOK_TCX_BACK,		/* where a packet of the other direction arrives */
	HOOK_NETKIT_PRIMARY,
	HOOK_NETKIT_PEER,
	HOOK_LWT_IN,
	HOOK_LWT_OUT,
	HOOK_LWT_XMIT,
	HOOK_SEG6LOCAL,
	HOOK_NF4_PRE_ROUTING,	/* these five as in enum nf_inet_hooks */
	HOOK_NF4_LOCAL_IN,
	HOOK_NF4_FORWARD,
	HOOK_NF4_LOCAL_OUT,
	HOOK_NF4_POST_ROUTING,
	HOOK_NF6_PRE_ROUTING,
	HOOK_NF6_LOCAL_IN,
	HOOK_NF6_FORWARD,
	HOOK_NF6_LOCAL_OUT,
	HOOK_NF6_POST_ROUTING,
	HOOK_TAP,		/* socket filter of a packet socket */
	HOOK_SOCKET_FILTER,
	HOOK_CGROUP_INGRESS,
	HOOK_CGROUP_EGRESS,
	HOOK_SK_SKB,
	HOOK_SOCK_OPS,
	HOOK_LSM,
	HOOK_KFREE_SKB,
	HOOKS,
};

/* How a program of hooks.bpf.c writes over a label. */
enum reach_scribble {
	SCRIBBLE_WRITE,		/* bpf_dynptr_write() */
	SCRIBBLE_MEMSET,	/* bpf_dynptr_memset() */
	SCRIBBLE_COPY,		/* bpf_dynptr_copy() */
	SCRIBBLES,
};

/* Where transmit.bpf.c makes labels. */
enum reach_maker {
	MAKER_NONE,
	MAKER_CGROUP,
	MAKER_TC,
	MAKER_LWT_OUT,
	MAKER_LWT_XMIT,
};

/* In a train each packet has a label of another size; the last has none. */
#define REACH_SIZES	(TB_META_MAX / 4)

static inline __attribute__((always_inline))
__u32 reach_size(__u32 nonce)
{
	__u32 seq = nonce & 0xffff;

	return seq < REACH_SIZES ? (seq + 1) * 4 : 0;
}

/*
 * TCP: the label is of one transmission of one socket. Timestamps tell the transmissions
 * of the same bytes from each other, as long as they are a millisecond apart.
 */
struct reach_tcp_label {
	__u32 seq, end;		/* what it was made for, before it was cut into segments */
	__u32 tsval;
	__u16 port, serial;
};

/* One of so many transmissions gets none, and has to arrive with none. */
#define REACH_UNLABELLED(tsval)	(!((tsval) % 5))

struct reach_tcp {
	__u64 made, bare;	/* transmissions with and without a label */
	__u64 again;		/* of those made: of bytes that were sent before */
	__u64 failed;		/* could not be made: */
	__s64 error;
	__u64 reallocated;	/* heads of packets, as there was no room for a label, */
	__u64 unshared;		/* or as the header was shared with the original */
	__u64 right;		/* packets that arrived with their own label, */
	__u64 right_again;	/* after later bytes of the same socket had arrived */
	__u64 right_bare;	/* and without, as they were sent */
	__u64 missing;		/* without, and should have one */
	__u64 stale;		/* of an earlier or later transmission */
	__u64 foreign;		/* of another socket, or another part of the stream */
	__u64 unasked;		/* any, where there should be none */
};

/* Where userns.bpf.c looks. */
enum reach_place {
	PLACE_DEVICE,		/* tc ingress of the device that packets enter by */
	PLACE_SOCKET,		/* the socket they are for */
	PLACE_OUT,		/* tc ingress where they have come out again */
	PLACES,
};

/* What an XDP program finds that is not its own. */
struct reach_prying {
	__u64 seen;		/* packets */
	__u64 metadata;		/* with metadata */
	__u64 poison;		/* with the poisoned label in their headroom */
	__u64 dirty;		/* with other bytes than zero in what it asks for as metadata */
};

/*
 * A word that is the same at any alignment, and another one for each packet: what is left in
 * memory of a packet that has been freed is another matter than this packet's label.
 */
#define REACH_POISON(nonce)	\
	(0x01010101u * (0x80 | ((TB_EPOCH(nonce) * 16 + (nonce)) & 0x7f)))

/* Where boundary.bpf.c looks. */
enum reach_side {
	SIDE_NEAR,		/* the underlay's device that packets leave by */
	SIDE_FAR,		/* the one they arrive by */
	SIDE_SINK,		/* where they have come out of the tunnel */
	SIDES,
};

#endif
