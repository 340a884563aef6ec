// SPDX-License-Identifier: GPL-2.0
/*
 * Several owners in one packet's metadata: a program that looks what all of them have left
 * there. And what an operation of the key-value library costs: each of the other programs
 * does one of them over and over, on metadata with OWNERS_KEYS values; on a kernel with
 * traits its own operations, too, on as many traits.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "meta_kv.bpf.h"
#include "../classify/classify.h"
#include "../trace/private.h"
#include "owners.h"

struct owners_seen seen[OWNERS_PACKETS];
bool beginning = true;			/* false: no packet gets an id */
struct meta_kv_bad begun, looked;	/* where an id could not be written, or not be read */

/* A packet's number; OWNERS_PACKETS: it is none of ours. */
static __always_inline __u32 number_of(struct __sk_buff *skb)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		struct payload payload;
	} h;

	if (bpf_skb_load_bytes(skb, 0, &h, sizeof(h)) || h.payload.magic != CLASSIFY_MAGIC)
		return OWNERS_PACKETS;
	return h.payload.number;
}

/* The trace's own program gives ids to TCP's requests; each packet here is one. */
SEC("?cgroup_skb/egress")
int begin(struct __sk_buff *skb)
{
	__u32 number = number_of(skb);

	if (number < OWNERS_PACKETS && beginning)
		meta_kv_count(&begun, meta_kv_skb_make(skb) ?:
			      meta_kv_skb_set_u64(skb, META_KEY_TRACE_ID, OWNERS_TRACE(number)));
	return 1;
}

SEC("?cgroup_skb/ingress")
int look(struct __sk_buff *skb)
{
	__u32 number = number_of(skb), i;
	__u64 at, last = 0;
	struct owners_seen *s;

	barrier_var(number);
	if (number >= OWNERS_PACKETS)
		return 1;
	s = &seen[number];
	s->service_error = meta_kv_skb_get_u64(skb, META_KEY_SERVICE, &s->service);
	s->site_error = meta_kv_skb_get_u32(skb, META_KEY_SITE, &s->site);
	s->customer_error = meta_kv_skb_get_u32(skb, META_KEY_CUSTOMER, &s->customer);
	s->trace_error = meta_kv_skb_get_u64(skb, META_KEY_TRACE_ID, &s->trace);
	meta_kv_count(&looked, s->trace_error);
	s->hops = 0;
	bpf_for(i, META_KEY_TRACE_HOP, META_KV_KEYS) {
		if (meta_kv_skb_get_u64(skb, i, &at) || HOP_NS(at) <= last)
			break;
		last = HOP_NS(at);
		s->hops++;
	}
	return 1;
}

/* ---- costs ---- */

int error;			/* of the last operation that failed */
__u64 value;

#define FIRST	3		/* keys from FIRST to LAST are set */
#define LAST	(FIRST + OWNERS_KEYS - 1)

/* All of them alike, so that the floor is one without what it is about. */
#define COST(sec, type, name, fill, op)						\
SEC(sec) int name(type *ctx)							\
{										\
	int err = fill(ctx), i;							\
										\
	bpf_for(i, 0, OWNERS_LOOP) {						\
		op;								\
		if (err)							\
			error = err;						\
	}									\
	return 0;								\
}

#define COSTS(side, sec, type)							\
static __noinline int side##_fill(type *ctx)					\
{										\
	int err = meta_kv_##side##_make(ctx), key;				\
										\
	bpf_for(key, FIRST, LAST + 1)						\
		err = err ?: meta_kv_##side##_set_u64(ctx, key, key);		\
	return err;								\
}										\
COST(sec, type, side##_nothing, side##_fill, barrier())				\
COST(sec, type, side##_has, side##_fill,					\
     err = meta_kv_##side##_has(ctx, LAST) != 1)				\
COST(sec, type, side##_get, side##_fill,					\
     err = meta_kv_##side##_get_u64(ctx, LAST, &value))				\
COST(sec, type, side##_set, side##_fill,					\
     err = meta_kv_##side##_set_u64(ctx, LAST, i))				\
COST(sec, type, side##_add_del, side##_fill,					\
     err = meta_kv_##side##_set_u64(ctx, 0, i) ?: meta_kv_##side##_del(ctx, 0))

COSTS(xdp, "?xdp", struct xdp_md)
COSTS(skb, "?tc", struct __sk_buff)

#ifdef PKT_META_TRAITS
#define TRAIT_COSTS(side, sec, type)						\
static __noinline int side##_trait_fill(type *ctx)				\
{										\
	__u64 val = 0;								\
	int err = 0, key;							\
										\
	bpf_for(key, FIRST, LAST + 1)						\
		err = err ?: bpf_##side##_trait_set(ctx, key, &val, 8, 0);	\
	return err;								\
}										\
COST(sec, type, side##_trait_get, side##_trait_fill,				\
     __u64 val; err = bpf_##side##_trait_get(ctx, LAST, &val, 8) != 8; value = val)\
COST(sec, type, side##_trait_set, side##_trait_fill,				\
     __u64 val = i; err = bpf_##side##_trait_set(ctx, LAST, &val, 8, 0))	\
COST(sec, type, side##_trait_add_del, side##_trait_fill,			\
     __u64 val = i; err = bpf_##side##_trait_set(ctx, 0, &val, 8, 0) ?:		\
			  bpf_##side##_trait_del(ctx, 0))

TRAIT_COSTS(xdp, "?xdp", struct xdp_md)
TRAIT_COSTS(skb, "?tc", struct __sk_buff)
#endif

char _license[] SEC("license") = "GPL";
