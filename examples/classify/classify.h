/* SPDX-License-Identifier: GPL-2.0 */
/* What the classifier and its programs agree on. */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#define CLASSIFY_RULES		10000
#define CLASSIFY_PACKETS	16384	/* of a run, numbered */
#define CLASSIFY_MAGIC		0xc1a551f1u

/* Where a packet passes, in this order. */
enum stage { STAGE_XDP, STAGE_TC, STAGE_NETFILTER, STAGE_CGROUP, STAGE_SOCKET, STAGES };

enum mode {
	MODE_TAG,		/* XDP matches, the others read what it found */
	MODE_MATCH,		/* each matches for itself */
	MODE_COUNT,		/* nobody does */
};

/* Longest prefix of port and address: a rule is for one port, or for any (0). */
struct rule_key {
	__u32 prefixlen;
	__u8 port[2];
	__u8 addr[4];
};

#define RULE_PORT_BITS	16

/* A rule's value, and what a packet is tagged with; never 0. */
#define TAG(service, generation) ((__u64)(generation) << 32 | (service))
#define TAG_SERVICE(tag)	((__u32)(tag))
#define TAG_GENERATION(tag)	((__u32)((tag) >> 32))

struct payload {
	__u32 magic;
	__u32 number;		/* below CLASSIFY_PACKETS */
	__u32 spoil;		/* enum meta_kv_spoil */
	__u32 unused;
};

#endif
