/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the kfuncs of storage and skbext and their programs agree on. */
#ifndef EXT_H
#define EXT_H

enum ext_op {
	EXT_GET = 1,	/* storage: without an initial value; skbext: a dynptr of size bytes */
	EXT_GET_INIT,	/* storage: val is the initial value, of size bytes */
	EXT_DEL,
	EXT_WRITE,	/* skbext: likewise, and val written at off */
	EXT_READ,	/* and 4 bytes read from off */
	EXT_CLONE,	/* the packet's clone waits on lo until the program has ended */
};

struct ext_step {
	__u32 op;
	__s32 ret;		/* filled in; storage's get: 0 or -ENOENT */
	__u64 flags;
	__u32 size;
	__u32 off;
	__u64 val;		/* filled in by what reads */
	__u64 init;		/* EXT_GET_INIT's */
};

#define EXT_STEPS	32
#define EXT_LO		1	/* ifindex, in every namespace */
#define EXT_MARK	0x57a7	/* of packets that tracing programs are to look at */

#endif
