/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet metadata, one way to reach it whatever kernel is underneath: a program
 * written against this interface compiles for every variant and measures the variant,
 * not itself. The variant is chosen with -DPKT_META_<VARIANT>; each has its backend in
 * pkt_meta/, and what it needs beside functions (a map, programs that have to be
 * attached) comes with it: NAME_bpf__attach() of the skeleton attaches those.
 *
 * Metadata is a blob of 4 to PKT_META_MAX bytes, a multiple of 4, that belongs to one
 * packet. Offsets and lengths in it are multiples of 4 too.
 *
 *	at XDP				at an skb
 *	pkt_meta_xdp_reserve(ctx, n)	pkt_meta_skb_reserve(skb, n)
 *	pkt_meta_xdp_write(...)		pkt_meta_skb_write(...)
 *					pkt_meta_skb_put(skb, buf, n)
 *					pkt_meta_skb_get(skb, buf, n)
 *	pkt_meta_xdp_read(...)		pkt_meta_skb_read(...)
 *	pkt_meta_xdp_size(ctx)		pkt_meta_skb_size(skb)
 *	pkt_meta_xdp_forget(ctx)	pkt_meta_skb_forget(skb)
 *					pkt_meta_skb_adopt(skb)
 *
 *	at netfilter			at a tracepoint, LSM
 *	pkt_meta_kern_reserve(skb, n)
 *	pkt_meta_kern_write(...)
 *	pkt_meta_kern_read(...)		pkt_meta_trace_read(skb, buf, len)
 *	pkt_meta_kern_size(skb)		pkt_meta_trace_size(skb)
 *
 * reserve	makes the metadata n bytes long; what the bytes are is undefined until
 *		they are written. Invalidates packet pointers.
 * put		reserve and write in one: from the first byte on it is buf's n bytes. Of a
 *		packet that had more, what follows them is undefined. Each variant has its
 *		own, the fewest calls that do it; so has get.
 * get		reads the first n bytes. buf is not uninitialized stack: what fills it may
 *		be a kfunc, and for the verifier these read what they are given.
 * write, read	(ctx, off, buf, len): copy into, out of the metadata.
 * size		how many bytes there are; 0: none.
 * forget	no metadata from here on.
 * adopt	takes over what XDP left for this packet. For the first tc ingress program
 *		behind an XDP program, and only there: further on, a kernel may take
 *		something else for XDP's. Where XDP writes to the variant's own place there
 *		is nothing to do, and nothing is generated. PKT_META_ADOPTS is defined where
 *		there is, and where data_meta is not the variant's: it is what it is on a
 *		stock kernel, from the first push on garbage.
 *
 * kern_...	the same for programs that have a pointer to the skb, not a context:
 *		netfilter's ctx->skb.
 * trace_...	from the beginning; for tp_btf, fentry and LSM programs, the skb being one
 *		of their arguments. The rest is not for these.
 *
 * All return 0 (size: the size) or
 *	-EINVAL		off, len or n cannot be right: not a multiple of 4, too large,
 *			beyond the end
 *	-ENODATA	this packet has none
 *	-ENOSPC		no room in this packet, no memory
 *	-EBUSY		the metadata is shared with a clone, which the variant refuses
 *	-EOPNOTSUPP	the variant cannot do this here, whatever the packet
 *
 * What each variant cannot do (-EOPNOTSUPP), and where XDP's side has to be adopted:
 *
 *	variant		at XDP		at an skb		adopt
 *	baseline	-		reserve, forget, trace	-
 *	movable		-		- (reserve, forget: tc,	-
 *					LWT, cgroup egress)
 *	traits		see pkt_meta/traits.h
 *	storage		-		-			yes
 *	skbext		-		forget			yes
 *	table		-		-			yes
 */
#ifndef PKT_META_BPF_H
#define PKT_META_BPF_H

/* the numbers only: the C library's errno.h does not compile for BPF everywhere */
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>

#define PKT_META_MAX	252

#if defined(PKT_META_BASELINE) || defined(PKT_META_MOVABLE)
#include "pkt_meta/skb_meta.h"
#elif defined(PKT_META_TRAITS)
#include "pkt_meta/traits.h"
#elif defined(PKT_META_STORAGE)
#include "pkt_meta/storage.h"
#elif defined(PKT_META_SKBEXT)
#include "pkt_meta/skbext.h"
#elif defined(PKT_META_TABLE)
#include "pkt_meta/table.h"
#else
#error "compile with -DPKT_META_<VARIANT>: BASELINE, MOVABLE, TRAITS, STORAGE, SKBEXT or TABLE"
#endif

/* A variant whose own are not fewer calls than these. */
#ifndef PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	return pkt_meta_skb_reserve(skb, n) ?: pkt_meta_skb_write(skb, 0, buf, n);
}
#endif

#ifndef PKT_META_GET
static __always_inline int pkt_meta_skb_get(struct __sk_buff *skb, void *buf, __u32 n)
{
	return pkt_meta_skb_read(skb, 0, buf, n);
}
#endif

/* A variant to which a context and a pointer are the same. */
#ifndef PKT_META_KERN
static __always_inline int pkt_meta_kern_reserve(struct sk_buff *skb, __u32 n)
{
	return pkt_meta_skb_reserve((struct __sk_buff *)skb, n);
}

static __always_inline long pkt_meta_kern_size(struct sk_buff *skb)
{
	return pkt_meta_skb_size((struct __sk_buff *)skb);
}

static __always_inline int pkt_meta_kern_read(struct sk_buff *skb, __u32 off, void *buf,
					      __u32 len)
{
	return pkt_meta_skb_read((struct __sk_buff *)skb, off, buf, len);
}

static __always_inline int pkt_meta_kern_write(struct sk_buff *skb, __u32 off,
					       const void *buf, __u32 len)
{
	return pkt_meta_skb_write((struct __sk_buff *)skb, off, buf, len);
}
#endif

#endif
