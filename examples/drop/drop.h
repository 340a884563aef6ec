/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs of this example agree on. */
#ifndef DROP_H
#define DROP_H

/* A customer is a number, 0 is nobody. */
#define DROP_CUSTOMERS	10

/*
 * For the checks alone: they know whose a packet is by its source port, which is how they
 * can tell a wrong label. Nothing else looks at ports.
 */
#define DROP_PORT(customer)	(40000 + 1000 * (customer))
#define DROP_PORTS		1000

/*
 * Added to the sender of a TCP segment without payload: it may come from a socket that waits
 * in TIME_WAIT or from no socket at all, and these are in no cgroup that could label it.
 */
#define DROP_BARE	64

/* One row of the count, in the map `drops`. */
struct drop_key {
	__u32 customer;		/* by the packet's metadata; 0: it has no label */
	__s32 sender;		/* by its source port, for the checks; -1: not from the proxy */
	__u32 netns;		/* inode number, and index in it: */
	__u32 ifindex;		/* the device where it was dropped, or by which it came */
	__u32 reason;		/* enum skb_drop_reason */
};

/* TCP segments with data, at the device behind the proxy. */
struct drop_segments {
	__u64 right, right_again;	/* their customer's label; again: bytes sent before */
	__u64 wrong;			/* another customer's */
	__u64 missing;			/* none, and should have one */
	__u64 bare;			/* none, as nobody's should */
};

#endif
