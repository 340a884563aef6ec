/* SPDX-License-Identifier: GPL-2.0 */
/* What the semantics test's programs and the test agree on. */
#ifndef SEMANTICS_H
#define SEMANTICS_H

#define SEM_META	32u		/* bytes of metadata */
#define SEM_PORT	4711
#define SEM_PAYLOAD	42		/* Ethernet, IPv4, UDP */

/* a --> r --> b, and from r a way for clones, which ends in b, too */
enum sem_hook { A_OUT, R_IN, R_OUT, B_IN, CLONE_OUT, CLONE_IN, SEM_HOOKS };

enum sem_op {
	OP_ADOPT	= 1 << 0,	/* what XDP wrote */
	OP_WRITE	= 1 << 1,	/* reserve and write */
	OP_FORGET	= 1 << 2,
	OP_PUSH		= 1 << 3,	/* room for a header */
	OP_CLONE	= 1 << 4,	/* a clone to the clones' way */
	OP_REWRITE	= 1 << 5,	/* other bytes than before */
	OP_READ		= 1 << 6,
	OP_DROP		= 1 << 7,
	OP_DROP_FIRST	= 1 << 8,	/* and only that, and do nothing more */
};

struct sem_seen {
	__u64 skbs, segs;
	__u64 kept;		/* the label's bytes */
	__u64 rewritten;	/* OP_REWRITE's bytes */
	__u64 none, refused, wrong;
	__s64 error;		/* of the last operation that failed */
};

struct sem_order {
	__u32 op[SEM_HOOKS];
	__u32 clone_to;		/* ifindex */
	__u32 proto;		/* IPPROTO_UDP or _TCP: packets of another do not count */
	__u32 min_len;		/* nor do shorter ones */
	__u32 by_payload;	/* the label is the payload's first word */
	__u32 label;		/* else this */
	__u32 off;		/* XDP labels nothing */
};

static inline __attribute__((always_inline))
__u32 sem_word(__u32 label, __u32 i)
{
	return (label + 1) * 2654435761u + i * 0x9e3779b9;
}

#define SEM_REWRITTEN	0x80000000u	/* a label with this bit is OP_REWRITE's */

#endif
