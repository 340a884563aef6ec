/* SPDX-License-Identifier: GPL-2.0 */
/* The XDP side by XDP's own metadata area, which is in front of the packet. */
#ifndef PKT_META_XDP_H
#define PKT_META_XDP_H

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
 * lengths need not be constants. Where they are, all at once: what is measured is the
 * variant, not this loop.
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
	if (__builtin_constant_p(len)) {
		if ((void *)word + len > end)
			return -EINVAL;
		if (to_packet)
			__builtin_memcpy(word, buf, len);
		else
			__builtin_memcpy(buf, word, len);
		return 0;
	}
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

#endif
