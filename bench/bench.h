/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmark and its BPF programs (bpf-progs/bench.bpf.c) agree on. */
#ifndef BENCH_H
#define BENCH_H

#define BENCH_META_MAX	252

enum bench_hook {
	AT_XDP,
	AT_TC_IN,
	AT_TC_OUT,
	AT_CG_IN,
	AT_CG_OUT,
	AT_SOCKET,
	BENCH_HOOKS,
};

/* What a program does to a packet, in this order; nothing: it counts. */
enum bench_op {
	ADOPT	= 1 << 0,	/* where the variant needs it */
	MAKE	= 1 << 1,
	WRITE	= 1 << 2,	/* over what there is */
	READ	= 1 << 3,
	FORGET	= 1 << 4,
};

struct bench_order {
	unsigned int op;
	unsigned int size;	/* bytes of metadata */
	unsigned int every;	/* only every so many packets: 1, 150 */
};

struct bench_count {
	unsigned long long seen;	/* packets */
	unsigned long long done;	/* of these, it did to them what it should */
	long long error;		/* the last one */
};

/* bpf-progs/bench_count.bpf.c */
struct bench_events {
	unsigned long long allocs, alloc_bytes;
	long long held, held_bytes;	/* of slabs: allocated since, and not freed */
	unsigned long long expands;
	unsigned long long moves, moved_bytes;
};

#endif
