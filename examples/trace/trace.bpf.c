// SPDX-License-Identifier: GPL-2.0
/*
 * A request's id and its way, in the metadata of the packets that it is.
 *
 *	socket:	trace_out		makes it: the id that the socket has
 *	tc:	trace_egress, _ingress	append when and where
 *	socket:	trace_in		takes it: the id to the socket, all to user space
 *
 * and from one socket to the next where a proxy is in between: trace_received, trace_send.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "meta_kv.bpf.h"
#include "trace.h"
#include "private.h"

#define TCX_NEXT	-1

/* A cgroup of proxies that do not know of ids, a process for each connection. */
__u64 linked_cgroup;

enum trace_mode mode;
enum meta_kv_spoil spoil;
__u64 counted;
struct meta_kv_bad made, hopped, taken;
__u64 labelled, records_lost;

struct serving {
	__u64 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct serving);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct serving);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

/* ---- the packet ---- */

/* The hops are set one behind the other: where the next one goes is how many there are. */
static __always_inline int next_hop(struct __sk_buff *skb)
{
	struct meta_kv_head h;
	int err = meta_kv_open(skb, false, &h);
	__u64 set;

	if (err)
		return err;
	set = meta_kv_bits(h.low) | meta_kv_bits(h.high);
	if (!(set & 1ULL << META_KEY_TRACE_ID))
		return -ENOENT;
	set &= ~(1ULL << META_KEY_TRACE_CUT);
	return META_KEY_TRACE_HOP + __builtin_popcountll(set >> META_KEY_TRACE_HOP);
}

static __always_inline __u64 hop(struct __sk_buff *skb, enum trace_hook hook)
{
	return HOP(hook, skb->ifindex, bpf_ktime_get_ns());
}

static __always_inline void append(struct __sk_buff *skb, enum trace_hook hook)
{
	int key, err;

	if (mode == TRACE_COUNT) {
		__sync_fetch_and_add(&counted, 1);
		return;
	}
	key = next_hop(skb);
	/* most packets are none of ours */
	if (key == -ENODATA || key == -ENOENT)
		return;
	err = key < 0 ? key : meta_kv_skb_set_u64(skb, key, hop(skb, hook));
	meta_kv_count(&hopped, err);
	if (err == -ENOSPC)
		meta_kv_skb_set_flag(skb, META_KEY_TRACE_CUT);
}

/* An offset in the packet, or 0: no TCP payload. */
static __always_inline __u32 payload(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct tcphdr tcp;
	__u32 off;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 4 ||
	    ip.protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, ip.ihl * 4, &tcp, sizeof(tcp)))
		return 0;
	off = ip.ihl * 4 + tcp.doff * 4;
	return off < skb->len ? off : 0;
}

/* Metadata that others may have left: for the test, instead of what should be there. */
static __always_inline int spoiled(struct __sk_buff *skb)
{
	__u32 words[8] = { spoil == SPOIL_MAGIC ? 0x5ec0de7a :
			   spoil == SPOIL_VERSION ? META_KV_ID + 1 : META_KV_ID };
	int err, key;

	if (spoil == SPOIL_FULL) {
		err = meta_kv_skb_make(skb);
		bpf_for(key, 0, META_KEY_TRACE_ID) {
			if (err)
				break;
			err = meta_kv_skb_set_u64(skb, key, key);
		}
		return err;
	}
	if (meta_kv_withheld || spoil == SPOIL_NONE)
		return -ENODATA;
	if (spoil == SPOIL_SHORT)
		return pkt_meta_skb_reserve(skb, 8) ?: pkt_meta_skb_write(skb, 0, words, 8);
	return pkt_meta_skb_reserve(skb, 32) ?: pkt_meta_skb_write(skb, 0, words, 32);
}

SEC("?cgroup_skb/egress")
int trace_out(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct serving *s;
	int err;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	s = sk && sk->protocol == IPPROTO_TCP ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	if (!s || !s->id || !payload(skb))
		return 1;
	if (mode == TRACE_COUNT) {
		__sync_fetch_and_add(&counted, 1);
		return 1;
	}
	if (spoil)
		spoiled(skb);
	if (spoil == SPOIL_NONE)
		return 1;
	err = meta_kv_skb_make(skb) ?: meta_kv_skb_set_u64(skb, META_KEY_TRACE_ID, s->id);
	meta_kv_count(&made, err);
	if (err)
		return 1;
	__sync_fetch_and_add(&labelled, 1);
	append(skb, SOCKET_OUT);
	return 1;
}

SEC("?tcx/egress")
int trace_egress(struct __sk_buff *skb)
{
	append(skb, TC_EGRESS);
	return TCX_NEXT;
}

SEC("?tcx/ingress")
int trace_ingress(struct __sk_buff *skb)
{
	append(skb, TC_INGRESS);
	return TCX_NEXT;
}

static __always_inline void report(struct __sk_buff *skb, __u64 id, __u32 text)
{
	struct trace_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	__u64 at;
	int i;

	if (!r) {
		__sync_fetch_and_add(&records_lost, 1);
		return;
	}
	r->id = id;
	r->hops = 0;
	r->cut = meta_kv_skb_has(skb, META_KEY_TRACE_CUT) == 1;
	__builtin_memset(r->text, 0, sizeof(r->text));
	bpf_skb_load_bytes(skb, text, r->text, sizeof(r->text));
	bpf_for(i, 0, HOPS - 1) {
		if (meta_kv_skb_get_u64(skb, META_KEY_TRACE_HOP + i, &at))
			break;
		r->hop[i] = at;
		r->hops = i + 1;
	}
	i = r->hops;
	if (i >= 0 && i < HOPS) {
		r->hop[i] = hop(skb, SOCKET_IN);
		r->hops = i + 1;
	}
	bpf_ringbuf_submit(r, 0);
}

SEC("?cgroup_skb/ingress")
int trace_in(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u32 text = payload(skb);
	struct serving *s;
	__u64 id = 0;
	int err;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	/* a listener serves nobody */
	if (!text || !sk || sk->protocol != IPPROTO_TCP || sk->state == BPF_TCP_LISTEN)
		return 1;
	if (mode == TRACE_COUNT) {
		__sync_fetch_and_add(&counted, 1);
		return 1;
	}
	err = meta_kv_skb_get_u64(skb, META_KEY_TRACE_ID, &id);
	meta_kv_count(&taken, err);
	if (err)
		id = 0;
	/* 0, too: what comes next is not the last request's */
	s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (s)
		s->id = id;
	if (id)
		report(skb, id, text);
	return 1;
}

/* ---- from socket to socket ---- */

SEC("cgroup/getsockopt")
int trace_get(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 *id = ctx->optval;
	struct serving *s;

	if (ctx->level != SOL_TRACE)
		return 1;
	if (ctx->optname != TRACE_ID || (void *)(id + 1) > ctx->optval_end)
		return 0;
	s = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	*id = s ? s->id : 0;
	ctx->optlen = sizeof(*id);
	ctx->retval = 0;
	return 1;
}

SEC("cgroup/setsockopt")
int trace_set(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 *id = ctx->optval;
	struct serving *s;

	if (ctx->level != SOL_TRACE)
		return 1;
	if (ctx->optname != TRACE_ID || (void *)(id + 1) > ctx->optval_end)
		return 0;
	s = sk ? bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
	if (!s)
		return 0;
	s->id = *id;
	ctx->optlen = -1;	/* all done: nothing for the kernel */
	return 1;
}

/*
 * A proxy with a process (or thread) for each connection: what it sends next is what it has
 * received last. With several connections in one thread nobody but the proxy itself knows:
 * it has to use the socket options.
 */
SEC("fexit/tcp_recvmsg")
int BPF_PROG(trace_received, struct sock *sk, struct msghdr *msg, __u64 len, int flags, int ret)
{
	struct serving *s, *t;

	if (ret <= 0 || bpf_get_current_cgroup_id() != linked_cgroup)
		return 0;
	s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t)
		t->id = s ? s->id : 0;
	return 0;
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(trace_send, struct sock *sk)
{
	struct serving *s, *t;

	if (bpf_get_current_cgroup_id() != linked_cgroup)
		return 0;
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	s = t ? bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
	if (s)
		s->id = t->id;
	return 0;
}

char _license[] SEC("license") = "GPL";
