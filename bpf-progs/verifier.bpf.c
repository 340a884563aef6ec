// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that must not be loaded, and for each what is allowed right beside it:
 * selftests/verifier.c says which is which, and what the verifier is to say.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "reach.bpf.h"

#define NF_ACCEPT	1

extern int bpf_dynptr_from_sock_ops_meta(struct bpf_sock_ops_kern *skops, __u64 flags,
					 struct bpf_dynptr *ptr__uninit) __ksym;

extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u64 offset,
			      void *buffer__nullable, __u64 buffer__szk) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u64 offset,
				   void *buffer__nullable, __u64 buffer__szk) __ksym;

static __always_inline int do_read(void *skb)
{
	struct bpf_dynptr meta;
	__u32 word = 0;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	bpf_dynptr_read(&word, sizeof(word), &meta, 0, 0);
	return word & 1;
}

static __always_inline int do_load(void *skb)
{
	__u32 word = 0;

	bpf_skb_meta_load(skb, 0, &word, sizeof(word));
	return word & 1;
}

static __always_inline int do_slice(void *skb)
{
	struct bpf_dynptr meta;
	__u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	word = bpf_dynptr_slice(&meta, 0, NULL, sizeof(*word));
	return word ? *word & 1 : 0;
}

static __always_inline int do_write(void *skb)
{
	struct bpf_dynptr meta;
	__u32 word = 1;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	return bpf_dynptr_write(&meta, 0, &word, sizeof(word), 0) & 1;
}

static __always_inline int do_slice_rdwr(void *skb)
{
	struct bpf_dynptr meta;
	__u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	word = bpf_dynptr_slice_rdwr(&meta, 0, NULL, sizeof(*word));
	if (word)
		*word = 1;
	return !word;
}

static __always_inline int do_write_clone(void *skb)
{
	struct bpf_dynptr meta, clone;
	__u32 word = 1;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	bpf_dynptr_clone(&meta, &clone);
	return bpf_dynptr_write(&clone, 0, &word, sizeof(word), 0) & 1;
}

static __always_inline int do_resize(void *skb)
{
	return bpf_skb_meta_resize(skb, 8, 0) & 1;
}

static __always_inline int do_store(void *skb)
{
	__u32 word = 1;

	return bpf_skb_meta_store(skb, 0, &word, sizeof(word)) & 1;
}

/* What each hook's programs may and may not do: verdicts are of no interest. */
#define SKB_HOOK(sec, hook, what)					\
SEC(sec) int hook##_##what(struct __sk_buff *skb)			\
{									\
	return do_##what(skb);						\
}
#define NF_HOOK(what)							\
SEC("netfilter") int netfilter_##what(struct bpf_nf_ctx *ctx)		\
{									\
	do_##what(ctx->skb);						\
	return NF_ACCEPT;						\
}
#define TRACING_HOOK(what)						\
SEC("tp_btf/kfree_skb") int BPF_PROG(tracing_##what, struct sk_buff *skb) \
{									\
	do_##what(skb);							\
	return 0;							\
}
#define LSM_HOOK(what)							\
SEC("lsm/socket_sock_rcv_skb")						\
int BPF_PROG(lsm_##what, struct sock *sk, struct sk_buff *skb)		\
{									\
	do_##what(skb);							\
	return 0;							\
}
#define ALL(hook, ...)							\
	hook(__VA_ARGS__ read)						\
	hook(__VA_ARGS__ load)						\
	hook(__VA_ARGS__ slice)						\
	hook(__VA_ARGS__ write)						\
	hook(__VA_ARGS__ slice_rdwr)					\
	hook(__VA_ARGS__ write_clone)					\
	hook(__VA_ARGS__ resize)					\
	hook(__VA_ARGS__ store)

#define COMMA ,
ALL(SKB_HOOK, "tc" COMMA tc COMMA)
ALL(SKB_HOOK, "action" COMMA action COMMA)
ALL(SKB_HOOK, "lwt_xmit" COMMA xmit COMMA)
ALL(SKB_HOOK, "lwt_in" COMMA in COMMA)
ALL(SKB_HOOK, "lwt_out" COMMA out COMMA)
ALL(SKB_HOOK, "lwt_seg6local" COMMA seg6local COMMA)
ALL(SKB_HOOK, "cgroup_skb/egress" COMMA egress COMMA)
ALL(SKB_HOOK, "cgroup_skb/ingress" COMMA ingress COMMA)
ALL(SKB_HOOK, "cgroup/skb" COMMA cgroup COMMA)
ALL(SKB_HOOK, "socket" COMMA socket_filter COMMA)
ALL(SKB_HOOK, "sk_skb/stream_verdict" COMMA sk_skb COMMA)
ALL(NF_HOOK)
ALL(TRACING_HOOK)
ALL(LSM_HOOK)

/* ---- hooks that cannot ---- */

SEC("flow_dissector")
int flow_dissector_read(struct __sk_buff *skb)
{
	return do_read(skb);
}

SEC("sk_reuseport")
int reuseport_read(struct sk_reuseport_md *ctx)
{
	return do_read(ctx);
}

SEC("xdp")
int xdp_resize(struct xdp_md *ctx)
{
	bpf_skb_meta_resize((void *)ctx, 8, 0);
	return XDP_PASS;
}

/* ---- which skb ---- */

/* The one that it is about to be linked to is nobody's promise. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(skb_walked, struct sk_buff *skb)
{
	do_read(skb->next);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(skb_number, struct sk_buff *skb)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), skb);
	do_read((void *)(long)number);
	return 0;
}

/* Returned: freed by then. */
SEC("fexit/__kfree_skb")
int BPF_PROG(skb_freed, struct sk_buff *skb)
{
	do_read(skb);
	return 0;
}

SEC("fexit/__kfree_skb")
int BPF_PROG(load_freed, struct sk_buff *skb)
{
	do_load(skb);
	return 0;
}

/* The packet is not one to call with: its metadata comes by the context. */
SEC("sockops")
int sock_ops_meta_read(struct bpf_sock_ops *ctx)
{
	struct bpf_dynptr meta;
	__u32 word = 0;

	bpf_dynptr_from_sock_ops_meta(bpf_cast_to_kern_ctx(ctx), 0, &meta);
	bpf_dynptr_read(&word, sizeof(word), &meta, 0, 0);
	return word & 1;
}

SEC("sockops")
int sock_ops_meta_write(struct bpf_sock_ops *ctx)
{
	struct bpf_dynptr meta;
	__u32 word = 1;

	bpf_dynptr_from_sock_ops_meta(bpf_cast_to_kern_ctx(ctx), 0, &meta);
	return bpf_dynptr_write(&meta, 0, &word, sizeof(word), 0) & 1;
}

SEC("tc")
int tc_sock_ops_meta(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	return bpf_dynptr_from_sock_ops_meta((void *)skb, 0, &meta) & 1;
}

SEC("sockops")
int sock_ops_read(struct bpf_sock_ops *ctx)
{
	struct bpf_sock_ops_kern *kern = bpf_cast_to_kern_ctx(ctx);
	struct sk_buff *skb = kern->skb;

	if (skb)
		do_read(skb);
	return 1;
}

/* What programs did before, without asking: the packet's type is what it was. */
SEC("sockops")
int sock_ops_walk(struct bpf_sock_ops *ctx)
{
	struct bpf_sock_ops_kern *kern = bpf_cast_to_kern_ctx(ctx);

	return kern->skb->head ? 1 : 0;
}

/* ---- slices ---- */

SEC("tc")
int slice_in_bounds(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *words;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	words = bpf_dynptr_slice(&meta, 0, NULL, 8);
	return words ? words[1] & 1 : 0;
}

SEC("tc")
int slice_out_of_bounds(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *words;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	words = bpf_dynptr_slice(&meta, 0, NULL, 8);
	return words ? words[2] & 1 : 0;
}

SEC("tc")
int slice_before(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *words;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	words = bpf_dynptr_slice(&meta, 4, NULL, 4);
	return words ? words[-1] & 1 : 0;
}

SEC("tc")
int slice_unchecked(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	word = bpf_dynptr_slice(&meta, 0, NULL, 4);
	return *word & 1;
}

SEC("tc")
int slice_written(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	word = bpf_dynptr_slice(&meta, 0, NULL, 4);
	if (word)
		*word = 1;
	return 0;
}

SEC("tc")
int slice_of_unknown_size(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	word = bpf_dynptr_slice(&meta, 0, NULL, skb->len);
	return word ? *word & 1 : 0;
}

/* What moves the bytes is in the middle; `again` asks for the slice anew after it. */
#define STALE(name, slice, move, again)					\
SEC("tc") int name(struct __sk_buff *skb)				\
{									\
	struct bpf_dynptr meta;						\
	__u32 *word, one = 1;						\
									\
	bpf_dynptr_from_skb_meta(skb, 0, &meta);			\
	word = slice(&meta, 0, NULL, 4);				\
	if (!word)							\
		return 0;						\
	one = *word;							\
	move;								\
	if (again) {							\
		word = slice(&meta, 0, NULL, 4);			\
		if (!word)						\
			return 0;					\
	}								\
	return (*word ^ one) & 1;					\
}

#define RESIZED		bpf_skb_meta_resize(skb, 64, 0)
#define STORED		bpf_skb_meta_store(skb, 0, &one, sizeof(one))
#define WRITTEN		bpf_dynptr_write(&meta, 0, &one, sizeof(one), 0)
#define PUSHED		bpf_skb_change_head(skb, 16, 0)
#define PULLED		bpf_skb_pull_data(skb, 0)

STALE(stale_after_resize, bpf_dynptr_slice, RESIZED, 0)
STALE(stale_rdwr_after_resize, bpf_dynptr_slice_rdwr, RESIZED, 0)
STALE(stale_after_store, bpf_dynptr_slice, STORED, 0)
STALE(stale_after_write, bpf_dynptr_slice, WRITTEN, 0)
STALE(stale_after_push, bpf_dynptr_slice, PUSHED, 0)
STALE(stale_after_pull, bpf_dynptr_slice, PULLED, 0)
STALE(fresh_after_resize, bpf_dynptr_slice, RESIZED, 1)
STALE(fresh_rdwr_after_resize, bpf_dynptr_slice_rdwr, RESIZED, 1)
STALE(fresh_after_write, bpf_dynptr_slice, WRITTEN, 1)

/* The packet's own pointers end there, too. */
SEC("tc")
int packet_after_resize(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;

	if (data + 1 > (__u8 *)(long)skb->data_end)
		return 0;
	bpf_skb_meta_resize(skb, 64, 0);
	return *data & 1;
}

/* A function that is verified by itself does not know what its dynptr is of, and
 * its callers not that bpf_dynptr_write() may copy the head.
 */
__noinline int global_slice(struct __sk_buff *skb, struct bpf_dynptr *meta)
{
	__u32 *word = bpf_dynptr_slice(meta, 0, NULL, sizeof(*word));

	if (!word)
		return 0;
	bpf_skb_meta_resize(skb, 8, 0);
	return *word & 1;
}

__noinline int global_new_slice(struct __sk_buff *skb, struct bpf_dynptr *meta)
{
	__u32 *word;

	bpf_skb_meta_resize(skb, 8, 0);
	word = bpf_dynptr_slice(meta, 0, NULL, sizeof(*word));
	return word ? *word & 1 : 0;
}

__noinline int global_write(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u32 word = 1;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	return bpf_dynptr_write(&meta, 0, &word, sizeof(word), 0) & 1;
}

__noinline int global_store(struct __sk_buff *skb)
{
	__u32 word = 1;

	return bpf_skb_meta_store(skb, 0, &word, sizeof(word)) & 1;
}

__noinline int global_read(struct bpf_dynptr *meta)
{
	__u32 word = 0;

	bpf_dynptr_read(&word, sizeof(word), meta, 0, 0);
	return word & 1;
}

SEC("tc")
int global_slice_after_resize(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	global_slice(skb, &meta);
	return 1;
}

SEC("tc")
int global_new_slice_after_resize(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	global_new_slice(skb, &meta);
	return 1;
}

SEC("tc")
int tc_global_write(struct __sk_buff *skb)
{
	global_write(skb);
	return 1;
}

SEC("tc")
int tc_global_read(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	global_read(&meta);
	return 1;
}

SEC("cgroup_skb/egress")
int egress_global_write(struct __sk_buff *skb)
{
	global_write(skb);
	return 1;
}

SEC("cgroup_skb/egress")
int egress_global_read(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	global_read(&meta);
	return 1;
}

SEC("cgroup_skb/egress")
int egress_global_store(struct __sk_buff *skb)
{
	global_store(skb);
	return 1;
}

SEC("cgroup_skb/ingress")
int ingress_global_read(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	global_read(&meta);
	return 1;
}

char _license[] SEC("license") = "GPL";
