// SPDX-License-Identifier: GPL-2.0
/*
 * From which site a request came: read from the outer header, before the tunnel takes it
 * away, kept in the packet's metadata, and handed to the socket.
 *
 *	driver		decapsulation	NAT	socket		server
 *	XDP: site_learn				site_arrive	getsockopt: site_answer
 *						site_connected	or SO_MARK of a datagram
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include "meta_kv_spoil.bpf.h"
#include "site.h"
#include "private.h"

#define TCX_NEXT	-1
#define ETH_P_IP	0x0800
#define VXLAN_PORT	4789

struct site_learn_stats learned;
struct site_arrive_stats arrived;
enum site_mode mode;
enum meta_kv_spoil spoil;
__u64 counted;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct site_prefix);
	__type(value, __u32);
} sites SEC(".maps");

/*
 * Packets of handshakes, from the time when they came to a listener until there is a socket
 * to attach their site to. By addresses and sequence number: the number is the client's to
 * choose, so who does not know it cannot put another site in the place of the right one.
 */
struct handshake {
	__be32 from, to;
	__be16 from_port, to_port;
	__u32 seq;
};

#define CONFLICT	(~0U)	/* the same packet twice, from two sites */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct handshake);
	__type(value, __u32);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct site_connection);
} connections SEC(".maps");

/* ---- at the driver ---- */

struct outer {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* The site of a packet that a tunnel will decapsulate; 0: it is none, or from nowhere known. */
static __always_inline __u32 outer_site(struct xdp_md *ctx)
{
	struct site_prefix from = { .len = 32 };
	struct outer h;
	__u32 *site;

	if (bpf_xdp_load_bytes(ctx, 0, &h, sizeof(h)) || h.eth.h_proto != bpf_htons(ETH_P_IP) ||
	    h.ip.ihl != 5)
		return 0;
	/* no header in a later fragment; after reassembly the first one's metadata counts */
	if (h.ip.frag_off & bpf_htons(0x1fff) ||
	    (h.ip.protocol != IPPROTO_GRE &&
	     (h.ip.protocol != IPPROTO_UDP || h.udp.dest != bpf_htons(VXLAN_PORT))))
		return 0;
	from.addr = h.ip.saddr;
	site = bpf_map_lookup_elem(&sites, &from);
	return site ? *site : 0;
}

SEC("xdp")
int site_learn(struct xdp_md *ctx)
{
	__u32 site;
	int err;

	if (mode == SITE_COUNT) {
		counted++;
		return XDP_PASS;
	}
	site = outer_site(ctx);
	if (!site) {
		__sync_fetch_and_add(&learned.foreign, 1);
		/* nobody but this program says where a packet came from */
		meta_kv_xdp_del(ctx, META_KEY_SITE);
		return XDP_PASS;
	}
	if (spoil) {
		__sync_fetch_and_add(&learned.spoiled, 1);
		meta_kv_xdp_spoil(ctx, spoil);
	}
	if (spoil == SPOIL_NONE)
		return XDP_PASS;
	err = meta_kv_xdp_make(ctx) ?: meta_kv_xdp_set_u32(ctx, META_KEY_SITE, site);
	meta_kv_count(&learned.bad, err);
	if (!err)
		__sync_fetch_and_add(&learned.sites, 1);
	return XDP_PASS;
}

/* The first tc ingress: variants that keep metadata elsewhere take XDP's over. */
SEC("tcx/ingress")
int site_adopt(struct __sk_buff *skb)
{
	int err;

	if (mode == SITE_COUNT)
		return TCX_NEXT;
#ifdef PKT_META_ADOPTS
	/* XDP's word alone counts, and that is not there yet */
	meta_kv_skb_del(skb, META_KEY_SITE);
#endif
	err = meta_kv_skb_adopt(skb);
	/* that XDP left nothing is no fault; that there is no room for what was there is one */
	if (err == -ENOSPC)
		meta_kv_count(&learned.bad, err);
	return TCX_NEXT;
}

/* ---- at the socket ---- */

static __always_inline void arrive_listening(const struct handshake *h, __u32 site)
{
	__u32 *there = bpf_map_lookup_elem(&handshakes, h);

	if (there && *there != site)
		site = CONFLICT;
	bpf_map_update_elem(&handshakes, h, &site, BPF_ANY);
}

static __always_inline void arrive_tcp(struct __sk_buff *skb, struct bpf_sock *sk, __u32 site)
{
	struct site_connection *c;
	struct handshake h = {};
	struct iphdr ip;
	struct tcphdr tcp;

	if (sk->state == BPF_TCP_LISTEN) {
		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 4 ||
		    bpf_skb_load_bytes(skb, ip.ihl * 4, &tcp, sizeof(tcp)))
			return;
		h.from = ip.saddr;
		h.to = ip.daddr;
		h.from_port = tcp.source;
		h.to_port = tcp.dest;
		h.seq = bpf_ntohl(tcp.seq);
		arrive_listening(&h, site);
		return;
	}
	c = bpf_sk_storage_get(&connections, sk, NULL, 0);
	if (c)
		__sync_fetch_and_add(!site ? &c->unknown : site == c->site ? &c->same : &c->other,
				     1);
}

SEC("?cgroup_skb/ingress")
int site_arrive(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u32 site = SITE_UNKNOWN;
	int err;

	if (mode == SITE_COUNT) {
		counted++;
		return 1;
	}
	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk)
		return 1;
	err = meta_kv_skb_get_u32(skb, META_KEY_SITE, &site);
	meta_kv_count(&arrived.bad, err);
	if (err || site > 0xffff)
		site = SITE_UNKNOWN;
	if (sk->protocol == IPPROTO_TCP)
		arrive_tcp(skb, sk, site);
	else
		/* always: a mark that was there was for routing, and is no site */
		skb->mark = site ? SITE_MARK | site : 0;
	__sync_fetch_and_add(site ? &arrived.sites : &arrived.unknown, 1);
	return 1;
}

static __always_inline __u32 handshake_take(const struct handshake *h)
{
	__u32 *there = bpf_map_lookup_elem(&handshakes, h), site = there ? *there : SITE_UNKNOWN;

	bpf_map_delete_elem(&handshakes, h);
	return site;
}

SEC("sockops")
int site_connected(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct site_connection *c;
	struct handshake h = {};
	__u32 site, syn;

	if (ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB || ctx->family != 2 /* AF_INET */ ||
	    !sk || mode == SITE_COUNT)
		return 1;
	h.from = ctx->remote_ip4;
	h.to = ctx->local_ip4;
	h.from_port = bpf_htons(bpf_ntohl(ctx->remote_port));
	h.to_port = bpf_htons(ctx->local_port);
	h.seq = ctx->rcv_nxt;
	site = handshake_take(&h);
	h.seq--;
	syn = handshake_take(&h);
	if (site == CONFLICT || syn == CONFLICT || (syn && syn != site))
		site = SITE_UNKNOWN;

	c = bpf_sk_storage_get(&connections, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (c) {
		c->site = site;
		c->syn = syn;
	}
	return 1;
}

SEC("cgroup/getsockopt")
int site_answer(struct bpf_sockopt *ctx)
{
	struct site_connection *answer = ctx->optval, *c;
	struct bpf_sock *sk;

	if (ctx->level != SOL_SITE)
		return 1;
	if (ctx->optname != SITE_CONNECTION || (void *)(answer + 1) > ctx->optval_end)
		return 0;	/* EPERM */
	sk = ctx->sk;
	c = sk ? bpf_sk_storage_get(&connections, sk, NULL, 0) : NULL;
	if (c)
		*answer = *c;
	else
		__builtin_memset(answer, 0, sizeof(*answer));
	ctx->optlen = sizeof(*answer);
	ctx->retval = 0;
	return 1;
}

/* ---- what a test does to it ---- */

/* In a site: a packet that says it came from another one. */
SEC("?tcx/egress")
int site_forge(struct __sk_buff *skb)
{
	int err = meta_kv_skb_make(skb);

	err = err ?: meta_kv_skb_set_u32(skb, META_KEY_SITE, FORGED);
	if (!err)
		__sync_fetch_and_add(&learned.forged, 1);
	return TCX_NEXT;
}

char _license[] SEC("license") = "GPL";
