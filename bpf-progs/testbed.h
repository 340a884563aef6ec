/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tunnels testbed's programs and its engine agree on.
 *
 * On the wire: the payload of every packet that counts is one 8-byte record, magic and
 * nonce, repeated to its end. So any 8 bytes of it, wherever taken, are a rotation of
 * the record: no program has to parse headers, know the tunnel, or care where TCP cut
 * its segments. The programs look at three quarters of the packet's length, past the
 * headers while these are shorter than three payloads, and before any trailer.
 *
 * In the metadata: the nonce in the first word (under a key, so that it is no small
 * number), the rest a function of nonce, size and position. So metadata can be judged
 * by the packet that carries it and, where that one is encrypted, by itself.
 */
#ifndef TESTBED_H
#define TESTBED_H

#define TB_MAGIC	0x5ec0de7au	/* no two of its rotations are the same */
#define TB_RECORD	8u
#define TB_META_MAX	252u
#define TB_WORDS	(TB_META_MAX / 4)
#define TB_META_KEY	0xa5c3965au

/*
 * The shortest packet that may be one that counts, where only its length can be seen: as
 * long as the payload alone, more than a handshake or a keepalive is. (In tunnels around
 * the tunnel it is more: order.sealed_min.)
 */
#define TB_SEALED_MIN	256u
#define TB_SEQS		128u	/* nonces of a run, below their epoch */

/* The devices of r1, r2 and r3: to the side of src (r3: of sink), and the other way. */
#define TB_IF_SIDE	11
#define TB_IF_UNDER	12
#define TB_IF_TUN	20	/* a tunnel's, if its file gives it this index */

#define TB_STREAMS	8u	/* TCP connections of a run, at most */
#define TB_CHECKPOINTS	16	/* which is which is the engine's business, but: */
#define TB_FIRST	0	/* the one behind the XDP program */
#define TB_LAST_PLAIN	2	/* where what will be encrypted may still be seen as it was */

enum tb_hook {
	TB_HOOK_TCX,		/* the variant's own way, pkt_meta.bpf.h */
	TB_HOOK_DATA_META,	/* legacy __sk_buff->data_meta */
	TB_HOOKS,
};

/*
 * Where other programs than tc's look, in the order a packet gets there. It may be there
 * more than once: before a header is put around it, and after.
 */
enum tb_point {
	TB_R1_PRE_ROUTING,	/* netfilter */
	TB_R1_FORWARD,
	TB_R1_LOCAL_OUT,	/* what is around the packet */
	TB_R1_POST_ROUTING,
	TB_R1_ERROR,		/* tc, on the way back: an ICMP error about the packet */
	TB_R3_PRE_ROUTING,
	TB_R3_LOCAL_IN,		/* what is around the packet */
	TB_R3_LWT_IN,
	TB_R3_FORWARD,
	TB_R3_LWT_OUT,
	TB_R3_POST_ROUTING,
	TB_R3_LWT_XMIT,
	TB_R3_NETKIT,
	TB_SINK_XDP,
	TB_SINK_TAP,		/* a packet socket's filter */
	TB_SINK_LOCAL_IN,
	TB_SINK_RAW,		/* a raw socket's filter */
	TB_SINK_LSM,
	TB_SINK_CGROUP,
	TB_SINK_FILTER,		/* the filter of the socket that it is for */
	TB_SINK_SK_SKB,
	TB_DROP,		/* tracepoint, wherever it is dropped */
	TB_POINTS,
};

/* The upper half of a nonce says which run of traffic: late packets of another do not count. */
#define TB_NONCE(epoch, seq)	((__u32)(epoch) << 16 | (__u32)(seq))
#define TB_EPOCH(nonce)		((__u32)(nonce) >> 16)

static inline __attribute__((always_inline))
__u64 tb_record(__u32 nonce)
{
	return (__u64)nonce << 32 | TB_MAGIC;
}

/* The nonce in any 8 bytes of the payload (read as a little endian number); 0: none. */
static inline __attribute__((always_inline))
__u32 tb_nonce(__u64 window)
{
	for (int i = 0; i < 8; i++) {
		if ((__u32)window == TB_MAGIC)
			return window >> 32;
		window = window << 8 | window >> 56;
	}
	return 0;
}

/* Where in a packet of len bytes to look. */
static inline __attribute__((always_inline))
__u32 tb_window(__u32 len)
{
	return len / 4 * 3;
}

static inline __attribute__((always_inline))
__u32 tb_meta_word(__u32 nonce, __u32 size, __u32 i)
{
	__u32 h = nonce + size * 0x9e3779b9 + i * 0x85ebca77;

	if (!i)
		return nonce ^ TB_META_KEY;
	h = (h ^ h >> 16) * 0x85ebca6b;
	h = (h ^ h >> 13) * 0xc2b2ae35;
	return h ^ h >> 16;
}

/* The first packet of a cell that was corrupt. */
struct tb_sample {
	__u32 nonce;
	__s32 size;		/* of the metadata found; negative: an error of the variant's */
	__u32 off;		/* of the first word that is not right */
	__u32 have[4];		/* the words from there */
	__u32 want[4];
};

struct tb_cell {
	__u64 kept, lost, corrupt;	/* packets: a GSO skb is as many as it has segments */
	__u64 skbs, nonlinear, single;	/* single: of one segment */
	struct tb_sample first;
};

struct tb_order {
	__u32 epoch;
	__u32 size;
	__u32 sealed;		/* checkpoints that cannot see the payload, a bit each */
	__u32 sealed_min;	/* the shortest packet that counts there */
	__u32 cpumap;		/* what was tagged goes to a CPU by redirection */
	__u32 drop;		/* sink's sockets take nothing */
};

struct tb_source {
	__u64 tagged;		/* packets that left XDP, or their maker, with metadata */
	__u64 failed;		/* that could not be given any */
	__s64 error;		/* what the last of these was told */
	__u64 seqs[TB_SEQS / 64];	/* the nonces that were tagged, a bit each */
	__u64 room;		/* made at an skb: the least headroom there was before */
};

#endif
