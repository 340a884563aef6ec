// SPDX-License-Identifier: GPL-2.0
/*
 * Labels made where packets start: bpf_skb_meta_resize() by itself, and at each hook that
 * has it on the way to the far end of a tunnel.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include "reach.bpf.h"

#define TCX_NEXT	-1
#define ETH_HLEN	14
#define E2BIG		7

enum reach_maker maker;
bool tcp_on;

struct reach_cell cells[2];	/* behind the tunnel, and in front */
struct reach_tcp tcp;

/* ---- the kfunc by itself, in bpf_prog_test_run() ---- */

int failed_at;		/* line of this file */
int failed_with;

#define CHECK(what, want) do {						\
	int __is = (what);						\
									\
	if (__is != (want)) {						\
		failed_at = __LINE__;					\
		failed_with = __is;					\
		return 0;						\
	}								\
} while (0)

static __always_inline int meta_size(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	return bpf_dynptr_from_skb_meta(skb, 0, &meta) ?: (int)bpf_dynptr_size(&meta);
}

/* A byte that is not value in [from, to), or -1. Both are multiples of four. */
static __noinline int other_than(struct __sk_buff *skb, __u32 from, __u32 to, __u32 value)
{
	struct bpf_dynptr meta;
	__u32 word;
	int i;

	if (bpf_dynptr_from_skb_meta(skb, 0, &meta))
		return -EINVAL;
	bpf_for(i, 0, TB_WORDS) {
		if (i * 4 < from)
			continue;
		if (i * 4 >= to)
			break;
		if (bpf_dynptr_read(&word, 4, &meta, i * 4, 0) || word != value)
			return i * 4;
	}
	return -1;
}

static __noinline int fill_with(struct __sk_buff *skb, __u32 to, __u32 value)
{
	struct bpf_dynptr meta;
	int i, err;

	if (bpf_dynptr_from_skb_meta(skb, 0, &meta))
		return -EINVAL;
	bpf_for(i, 0, TB_WORDS) {
		if (i * 4 >= to)
			break;
		err = bpf_dynptr_write(&meta, i * 4, &value, 4, 0);
		if (err)
			return err;
	}
	return 0;
}

static __always_inline int exercise(struct __sk_buff *skb)
{
	struct bpf_dynptr old;
	__u32 word = 0;
	int n;

	failed_at = __LINE__;	/* until the end is reached */

	CHECK(meta_size(skb), 0);
	CHECK(bpf_skb_meta_resize(skb, 5, 0), -EINVAL);
	CHECK(bpf_skb_meta_resize(skb, 253, 0), -EINVAL);
	CHECK(bpf_skb_meta_resize(skb, 256, 0), -EINVAL);
	CHECK(bpf_skb_meta_resize(skb, ~3U, 0), -EINVAL);
	CHECK(bpf_skb_meta_resize(skb, 8, 1), -EINVAL);
	CHECK(meta_size(skb), 0);
	CHECK(bpf_skb_meta_resize(skb, 0, 0), 0);
	CHECK(meta_size(skb), 0);

	/* every size: zero, though the one before left its bytes there */
	bpf_for(n, 1, TB_WORDS + 1) {
		CHECK(bpf_skb_meta_resize(skb, n * 4, 0), 0);
		CHECK(meta_size(skb), n * 4);
		CHECK(other_than(skb, 0, n * 4, 0), -1);
		CHECK(fill_with(skb, n * 4, 0xa5a5a5a5), 0);
		CHECK(bpf_skb_meta_resize(skb, 0, 0), 0);
		CHECK(meta_size(skb), 0);
	}

	/* growing keeps, shrinking cuts off, and what was cut off is gone */
	CHECK(bpf_skb_meta_resize(skb, 32, 0), 0);
	CHECK(fill_with(skb, 32, 0x5a5a5a5a), 0);
	CHECK(bpf_skb_meta_resize(skb, 252, 0), 0);
	CHECK(other_than(skb, 0, 32, 0x5a5a5a5a), -1);
	CHECK(other_than(skb, 32, 252, 0), -1);
	CHECK(bpf_skb_meta_resize(skb, 16, 0), 0);
	CHECK(meta_size(skb), 16);
	CHECK(other_than(skb, 0, 16, 0x5a5a5a5a), -1);
	CHECK(bpf_skb_meta_resize(skb, 64, 0), 0);
	CHECK(other_than(skb, 0, 16, 0x5a5a5a5a), -1);
	CHECK(other_than(skb, 16, 64, 0), -1);
	CHECK(bpf_skb_meta_resize(skb, 64, 0), 0);
	CHECK(other_than(skb, 0, 16, 0x5a5a5a5a), -1);

	/* a dynptr from before knows its old length, and reads nothing beyond the new one */
	CHECK(bpf_dynptr_from_skb_meta(skb, 0, &old), 0);
	CHECK(bpf_skb_meta_resize(skb, 8, 0), 0);
	CHECK(bpf_dynptr_read(&word, 4, &old, 4, 0), 0);
	CHECK(word, 0x5a5a5a5a);
	CHECK(bpf_dynptr_read(&word, 4, &old, 8, 0), -E2BIG);
	CHECK(bpf_dynptr_write(&old, 60, &word, 4, 0), -E2BIG);
	CHECK(bpf_skb_meta_resize(skb, 0, 0), 0);
	word = 1;
	CHECK(bpf_dynptr_read(&word, 4, &old, 0, 0), -E2BIG);
	CHECK(bpf_dynptr_write(&old, 0, &word, 4, 0), -E2BIG);
	CHECK(word, 1);

	failed_at = 0;
	return 0;
}

#define EXERCISE(sec, name)						\
SEC(sec) int name(struct __sk_buff *skb)				\
{									\
	return exercise(skb);						\
}

EXERCISE("tc", exercise_tc)
EXERCISE("action", exercise_action)
EXERCISE("lwt_in", exercise_lwt_in)
EXERCISE("lwt_out", exercise_lwt_out)
EXERCISE("lwt_xmit", exercise_lwt_xmit)
EXERCISE("lwt_seg6local", exercise_seg6local)
EXERCISE("cgroup_skb/egress", exercise_cgroup_egress)

/* ---- TCP ---- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);	/* port, and which side: how far it has got */
	__type(value, __u32);
} furthest SEC(".maps");

struct segment {
	__u32 seq, end, tsval;
	__u16 port;
};

/* Data of an IPv4 TCP packet with timestamps, its network header at off? */
static __always_inline bool tcp_data(struct __sk_buff *skb, __u32 off, struct segment *s)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		__be32 nops_timestamp, tsval;
	} h;
	struct bpf_dynptr packet;

	if (bpf_dynptr_from_skb(skb, 0, &packet) ||
	    bpf_dynptr_read(&h, sizeof(h), &packet, off, 0) || h.ip.version != 4 ||
	    h.ip.ihl != 5 || h.ip.protocol != IPPROTO_TCP ||
	    h.nops_timestamp != bpf_htonl(0x0101080a))
		return false;
	s->port = bpf_ntohs(h.tcp.source);
	s->seq = bpf_ntohl(h.tcp.seq);
	s->end = s->seq + skb->len - off - sizeof(h.ip) - h.tcp.doff * 4;
	s->tsval = bpf_ntohl(h.tsval);
	return s->end != s->seq;
}

/* Has this side seen later bytes of the socket? */
static __always_inline bool behind(const struct segment *s, __u32 side)
{
	__u32 key = side << 16 | s->port, *to = bpf_map_lookup_elem(&furthest, &key);

	if (to && (__s32)(s->seq - *to) < 0)
		return true;
	bpf_map_update_elem(&furthest, &key, &s->end, BPF_ANY);
	return false;
}

__u64 inside;		/* the skb that is given a label */

SEC("fentry/pskb_expand_head")
int BPF_PROG(on_expand, struct sk_buff *skb, int nhead)
{
	if (inside && (__u64)skb == inside)
		__sync_fetch_and_add(nhead ? &tcp.reallocated : &tcp.unshared, 1);
	return 0;
}

static __always_inline void tcp_make(struct __sk_buff *skb, const struct segment *s)
{
	struct reach_tcp_label label = {
		.seq = s->seq, .end = s->end, .tsval = s->tsval, .port = s->port,
	};
	bool again = behind(s, 0);
	struct bpf_dynptr meta;
	int err;

	if (REACH_UNLABELLED(s->tsval)) {
		__sync_fetch_and_add(&tcp.bare, 1);
		return;
	}
	label.serial = tcp.made;
	inside = (__u64)skb;
	err = bpf_skb_meta_resize(skb, sizeof(label), 0);
	inside = 0;
	err = err ?: bpf_dynptr_from_skb_meta(skb, 0, &meta);
	err = err ?: bpf_dynptr_write(&meta, 0, &label, sizeof(label), 0);
	if (err) {
		__sync_fetch_and_add(&tcp.failed, 1);
		tcp.error = err;
		return;
	}
	__sync_fetch_and_add(&tcp.made, 1);
	__sync_fetch_and_add(&tcp.again, again);
}

static __always_inline void tcp_check(struct __sk_buff *skb, const struct segment *s)
{
	struct reach_tcp_label label;
	bool again = behind(s, 1);
	struct bpf_dynptr meta;
	__u64 *count;

	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || !bpf_dynptr_size(&meta))
		count = REACH_UNLABELLED(s->tsval) ? &tcp.right_bare : &tcp.missing;
	else if (REACH_UNLABELLED(s->tsval))
		count = &tcp.unasked;
	else if (bpf_dynptr_size(&meta) != sizeof(label) ||
		 bpf_dynptr_read(&label, sizeof(label), &meta, 0, 0) ||
		 label.port != s->port || (__s32)(s->seq - label.seq) < 0 ||
		 (__s32)(label.end - s->end) < 0)
		count = &tcp.foreign;
	else if (label.tsval != s->tsval)
		count = &tcp.stale;
	else
		count = again ? &tcp.right_again : &tcp.right;
	__sync_fetch_and_add(count, 1);
}

/* ---- on the way ---- */

static __always_inline void make(enum reach_maker who, struct __sk_buff *skb, __u32 off)
{
	struct segment s;
	__u32 nonce, size;

	if (maker != who)
		return;
	if (tcp_on) {
		if (tcp_data(skb, off, &s))
			tcp_make(skb, &s);
		return;
	}
	nonce = label_nonce(skb);
	size = reach_size(nonce);
	if (nonce && size) {
		int err = label_skb(skb, nonce, size);

		if (err)
			tcp.error = err;
		else
			__sync_fetch_and_add(&tcp.made, 1);
	}
}

SEC("cgroup_skb/egress")
int make_cgroup(struct __sk_buff *skb)
{
	make(MAKER_CGROUP, skb, 0);
	return 1;
}

SEC("tcx/egress")
int make_tc(struct __sk_buff *skb)
{
	make(MAKER_TC, skb, ETH_HLEN);
	return TCX_NEXT;
}

SEC("lwt_out")
int make_out(struct __sk_buff *skb)
{
	make(MAKER_LWT_OUT, skb, 0);
	return BPF_OK;
}

SEC("lwt_xmit")
int make_xmit(struct __sk_buff *skb)
{
	make(MAKER_LWT_XMIT, skb, 0);
	return BPF_OK;
}

static __always_inline void check(struct __sk_buff *skb, int cell)
{
	__u32 nonce = label_nonce(skb);

	if (nonce)
		label_check_size(&cells[cell], cell, skb, nonce, reach_size(nonce));
}

SEC("tcx/ingress")
int check_tunnel(struct __sk_buff *skb)
{
	struct segment s;

	if (!tcp_on)
		check(skb, 0);
	else if (tcp_data(skb, ETH_HLEN, &s))
		tcp_check(skb, &s);
	return TCX_NEXT;
}

SEC("tcx/ingress")
int check_underlay(struct __sk_buff *skb)
{
	if (!tcp_on)
		check(skb, 1);
	return TCX_NEXT;
}

char _license[] SEC("license") = "GPL";
