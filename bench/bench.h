/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmark and its BPF program (bpf-progs/bench.bpf.c) agree on. */
#ifndef BENCH_H
#define BENCH_H

#define BENCH_META_MAX	128

struct bench_count {
	unsigned long long seen;	/* packets */
	unsigned long long made;	/* of these, with metadata when they left */
};

#endif
