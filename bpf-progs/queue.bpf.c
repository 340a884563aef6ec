// SPDX-License-Identifier: GPL-2.0
/*
 * Segments of a TCP stream that are labelled each by itself, and what a program reads
 * where they come out of the socket's queue: see selftests/queue.c.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCX_NEXT	-1
#define ETH_HLEN	14
#define PORT		5002

extern int bpf_skb_meta_store(struct __sk_buff *skb, __u32 offset, const void *from,
			      __u32 from__sz) __ksym;
extern int bpf_skb_meta_load(struct __sk_buff *skb, __u32 offset, void *to,
			     __u32 to__sz) __ksym;

struct label {
	__u32 first;	/* word of the payload */
	__u32 bytes;	/* of the payload */
};

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

__u64 labelled;
__u64 bytes_right, packets_right, bytes_foreign, packets_bare;
__u32 had_first, had_bytes, first, bytes;	/* of the last that was foreign */

SEC("tcx/egress")
int make(struct __sk_buff *skb)
{
	__u32 head = ETH_HLEN + sizeof(struct iphdr);
	struct label label;
	struct tcphdr tcp;

	if (bpf_skb_load_bytes(skb, head, &tcp, sizeof(tcp)) || tcp.dest != bpf_htons(PORT))
		return TCX_NEXT;
	head += tcp.doff * 4;
	if (skb->len < head + sizeof(label.first) ||
	    bpf_skb_load_bytes(skb, head, &label.first, sizeof(label.first)))
		return TCX_NEXT;
	label.bytes = skb->len - head;
	if (!bpf_skb_meta_store(skb, 0, &label, sizeof(label)))
		labelled++;
	return TCX_NEXT;
}

SEC("sk_skb/stream_verdict")
int out(struct __sk_buff *skb)
{
	struct label is = {}, said;

	is.bytes = skb->len;
	bpf_skb_load_bytes(skb, 0, &is.first, sizeof(is.first));
	if (bpf_skb_meta_load(skb, 0, &said, sizeof(said))) {
		packets_bare++;
	} else if (said.first == is.first && said.bytes == is.bytes) {
		bytes_right += is.bytes;
		packets_right++;
	} else {
		bytes_foreign += is.bytes;
		had_first = said.first;
		had_bytes = said.bytes;
		first = is.first;
		bytes = is.bytes;
	}
	return SK_DROP;
}

char _license[] SEC("license") = "GPL";
