/* SPDX-License-Identifier: GPL-2.0 */
/* Where a packet is looked at, in the order it gets there. */
#ifndef TB_CHECKPOINTS_H
#define TB_CHECKPOINTS_H

#include <linux/types.h>

#include "../bpf-progs/testbed.h"
#include "net.h"

/* enum bpf_attach_type; the C library's headers may be older than these */
#define TCX_INGRESS	46
#define TCX_EGRESS	47

static const struct checkpoint {
	const char *name;
	enum node node;
	const char *dev;
	int hook;
} checkpoints[] = {
	{ "r1.ingress",		  R1,	"to-src",  TCX_INGRESS },
	{ "r1.tunnel.egress",	  R1,	TUN_DEV,   TCX_EGRESS },
	{ "r1.underlay.egress",	  R1,	"to-r2",   TCX_EGRESS },
	{ "r2.ingress",		  R2,	"to-r1",   TCX_INGRESS },
	{ "r2.egress",		  R2,	"to-r3",   TCX_EGRESS },
	{ "r3.underlay.ingress",  R3,	"to-r2",   TCX_INGRESS },
	{ "r3.tunnel.ingress",	  R3,	TUN_DEV,   TCX_INGRESS },
	{ "r3.egress",		  R3,	"to-sink", TCX_EGRESS },
	{ "sink.ingress",	  SINK,	"to-r3",   TCX_INGRESS },
};

/* Hooks that are no device's: enum tb_point. */
struct point {
	const char *name;	/* as a checkpoint's */
	const char *hook;
	const char *prog;	/* in testbed.bpf.c */
	unsigned int is;
};

#define POINT_OUTER	(1 << 0)	/* sees the IP header around the packet, no other */
#define POINT_DROP	(1 << 1)	/* sees what is dropped */
#define POINT_ERROR	(1 << 2)	/* sees ICMP errors */
#define POINT_UDP	(1 << 3)	/* sees this alone */
#define POINT_TCP	(1 << 4)
#define POINT_STREAM	(1 << 5)	/* packets may have been put together before */

static const struct point points[TB_POINTS] = {
	[TB_R1_PRE_ROUTING]  = { "r1.pre-routing",  "netfilter",     "r1_pre_routing" },
	[TB_R1_FORWARD]	     = { "r1.forward",	    "netfilter",     "r1_forward" },
	[TB_R1_LOCAL_OUT]    = { "r1.local-out",    "netfilter",     "r1_local_out", POINT_OUTER },
	[TB_R1_POST_ROUTING] = { "r1.post-routing", "netfilter",     "r1_post_routing" },
	[TB_R1_ERROR]	     = { "r1.error",	    "tcx",	     "r1_error", POINT_ERROR },
	[TB_R3_PRE_ROUTING]  = { "r3.pre-routing",  "netfilter",     "r3_pre_routing" },
	[TB_R3_LOCAL_IN]     = { "r3.local-in",	    "netfilter",     "r3_local_in", POINT_OUTER },
	[TB_R3_LWT_IN]	     = { "r3.lwt-in",	    "lwt_in",	     "r3_lwt_in" },
	[TB_R3_FORWARD]	     = { "r3.forward",	    "netfilter",     "r3_forward" },
	[TB_R3_LWT_OUT]	     = { "r3.lwt-out",	    "lwt_out",	     "r3_lwt_out" },
	[TB_R3_POST_ROUTING] = { "r3.post-routing", "netfilter",     "r3_post_routing" },
	[TB_R3_LWT_XMIT]     = { "r3.lwt-xmit",	    "lwt_xmit",	     "r3_lwt_xmit" },
	[TB_R3_NETKIT]	     = { "r3.netkit",	    "netkit",	     "r3_netkit" },
	[TB_SINK_XDP]	     = { "sink.xdp",	    "xdp",	     "sink_xdp" },
	[TB_SINK_TAP]	     = { "sink.tap",	    "socket_filter", "sink_tap" },
	[TB_SINK_LOCAL_IN]   = { "sink.local-in",   "netfilter",     "sink_local_in" },
	[TB_SINK_RAW]	     = { "sink.raw",	    "socket_filter", "sink_raw", POINT_UDP },
	[TB_SINK_LSM]	     = { "sink.lsm",	    "lsm",	     "sink_lsm" },
	[TB_SINK_CGROUP]     = { "sink.cgroup",	    "cgroup_skb",    "sink_cgroup" },
	[TB_SINK_FILTER]     = { "sink.filter",	    "socket_filter", "sink_filter" },
	[TB_SINK_SK_SKB]     = { "sink.sk_skb",	    "sk_skb",	     "sink_sk_skb",
				 POINT_TCP | POINT_STREAM },
	[TB_DROP]	     = { "drop",	    "kfree_skb",     "drop", POINT_DROP },
};

#define NR_CHECKPOINTS	(sizeof(checkpoints) / sizeof(checkpoints[0]))

#endif
