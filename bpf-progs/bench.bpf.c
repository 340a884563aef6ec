// SPDX-License-Identifier: GPL-2.0
/*
 * What the benchmark has on the first hop: counts packets, and gives them metadata if
 * meta_size is not 0. As that is a constant to the verifier, a program loaded with 0 has
 * nothing left of it, and the kernel does not take it for one that makes metadata.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "pkt_meta.bpf.h"
#include "../bench/bench.h"

const volatile __u32 meta_size;
struct bench_count count;

SEC("xdp")
int mark(struct xdp_md *ctx)
{
	const __u32 size = meta_size;
	__u32 words[BENCH_META_MAX / 4];

	count.seen++;
	if (!size)
		return XDP_PASS;
	for (int i = 0; i < BENCH_META_MAX / 4; i++)
		words[i] = count.seen + i;
	if (!pkt_meta_xdp_reserve(ctx, size) && !pkt_meta_xdp_write(ctx, 0, words, size))
		count.made++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
