/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet metadata, one way to reach it whatever kernel is underneath: a program
 * written against this interface compiles for every variant and measures the variant,
 * not itself. The variant is chosen with -DPKT_META_<VARIANT>.
 *
 * Metadata is a blob of 4 to PKT_META_MAX bytes, a multiple of 4, that belongs to one
 * packet. Offsets and lengths in it are multiples of 4 too.
 *
 *	at XDP				at an skb
 *	pkt_meta_xdp_reserve(ctx, n)	pkt_meta_skb_reserve(skb, n)
 *	pkt_meta_xdp_write(...)		pkt_meta_skb_write(...)
 *	pkt_meta_xdp_read(...)		pkt_meta_skb_read(...)
 *	pkt_meta_xdp_size(ctx)		pkt_meta_skb_size(skb)
 *	pkt_meta_xdp_forget(ctx)	pkt_meta_skb_forget(skb)
 *
 * reserve	makes the metadata n bytes long; what the bytes are is undefined until
 *		they are written. Invalidates packet pointers.
 * write, read	(ctx, off, buf, len): copy into, out of the metadata.
 * size		how many bytes there are; 0: none.
 * forget	no metadata from here on.
 *
 * All return 0 (size: the size) or
 *	-EINVAL		off, len or n cannot be right: not a multiple of 4, too large,
 *			beyond the end
 *	-ENODATA	this packet has none
 *	-ENOSPC		no room in this packet
 *	-EOPNOTSUPP	the variant cannot do this here, whatever the packet
 *
 * What each variant cannot do (-EOPNOTSUPP):
 *
 *	variant		at XDP		at an skb
 *	baseline	-		reserve, forget
 *	movable		-		reserve, forget
 */
#ifndef PKT_META_BPF_H
#define PKT_META_BPF_H

/* the numbers only: the C library's errno.h does not compile for BPF everywhere */
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>

#define PKT_META_MAX	252

#if defined(PKT_META_BASELINE) || defined(PKT_META_MOVABLE)
/*
 * XDP's own metadata area, and the dynptr that reaches it from an skb. The program is
 * the same for both: what differs is where the kernel keeps the bytes.
 */

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;

/*
 * A packet pointer of the context. In C, clang would compute where in the context it is,
 * or load half a pointer, and the verifier takes neither.
 */
#define PKT_META_PTR(ctx, field) ({						\
	void *__p;								\
	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(__p) :			\
		     "r"(ctx), "i"(__builtin_offsetof(typeof(*(ctx)), field)));	\
	__p;									\
})

static __always_inline long pkt_meta_xdp_size(struct xdp_md *ctx)
{
	long size = PKT_META_PTR(ctx, data) - PKT_META_PTR(ctx, data_meta);

	barrier_var(size);	/* no going on with the pointers in 32 bits */
	return size;
}

static __always_inline int pkt_meta_xdp_reserve(struct xdp_md *ctx, __u32 n)
{
	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	/* the delta counts from what there is already, in generic XDP's second run say */
	return bpf_xdp_adjust_meta(ctx, (int)pkt_meta_xdp_size(ctx) - (int)n) ? -ENOSPC : 0;
}

static __always_inline int pkt_meta_xdp_forget(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_meta(ctx, (int)pkt_meta_xdp_size(ctx)) ? -EINVAL : 0;
}

/*
 * Word by word: the verifier follows a pointer that grows by a constant, and the
 * lengths need not be constants.
 */
static __always_inline int pkt_meta_xdp_copy(struct xdp_md *ctx, __u32 off, __u32 *buf,
					     __u32 len, int to_packet)
{
	void *end = PKT_META_PTR(ctx, data);
	__u32 *word = PKT_META_PTR(ctx, data_meta);

	if ((void *)(word + 1) > end)
		return -ENODATA;
	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	word = (void *)word + off;
	for (__u32 i = 0; i < PKT_META_MAX / 4; i++) {
		if (i >= len / 4)
			return 0;
		if ((void *)(word + 1) > end)
			return -EINVAL;
		if (to_packet)
			*word++ = buf[i];
		else
			buf[i] = *word++;
	}
	return 0;
}

static __always_inline int pkt_meta_xdp_write(struct xdp_md *ctx, __u32 off,
					      const void *buf, __u32 len)
{
	return pkt_meta_xdp_copy(ctx, off, (__u32 *)buf, len, 1);
}

static __always_inline int pkt_meta_xdp_read(struct xdp_md *ctx, __u32 off, void *buf,
					     __u32 len)
{
	return pkt_meta_xdp_copy(ctx, off, buf, len, 0);
}

static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	return -EOPNOTSUPP;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	return -EOPNOTSUPP;
}

static __always_inline long pkt_meta_skb_size(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	long err = bpf_dynptr_from_skb_meta(skb, 0, &meta);

	return err ?: (long)bpf_dynptr_size(&meta);
}

/* bpf_dynptr_read() and _write() say -E2BIG for what lies beyond the end */
static __always_inline int pkt_meta_skb_read(struct __sk_buff *skb, __u32 off, void *buf,
					     __u32 len)
{
	struct bpf_dynptr meta;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || !bpf_dynptr_size(&meta))
		return -ENODATA;
	return bpf_dynptr_read(buf, len, &meta, off, 0) ? -EINVAL : 0;
}

static __always_inline int pkt_meta_skb_write(struct __sk_buff *skb, __u32 off,
					      const void *buf, __u32 len)
{
	struct bpf_dynptr meta;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || !bpf_dynptr_size(&meta))
		return -ENODATA;
	return bpf_dynptr_write(&meta, off, (void *)buf, len, 0) ? -EINVAL : 0;
}

#else
#error "compile with -DPKT_META_<VARIANT> (PKT_META_BASELINE, PKT_META_MOVABLE)"
#endif

#endif
