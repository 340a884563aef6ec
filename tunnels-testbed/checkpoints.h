/* SPDX-License-Identifier: GPL-2.0 */
/* Where a packet is looked at, in the order it gets there. */
#ifndef TB_CHECKPOINTS_H
#define TB_CHECKPOINTS_H

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

#define NR_CHECKPOINTS	(sizeof(checkpoints) / sizeof(checkpoints[0]))

#endif
