/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is sent from src to sink, and whether all of it arrived as it was sent.
 * The form of the payload is testbed.h's.
 */
#ifndef TB_TRAFFIC_H
#define TB_TRAFFIC_H

#include <stdbool.h>

#include "net.h"

enum traffic_kind {
	UDP,		/* a nonce each packet */
	UDP_TRAINS,	/* a nonce each train of packets, sent at once: GRO may merge them */
	UDP_DROPPED,	/* as UDP, but nobody takes it */
	TCP,		/* a nonce each connection */
};

struct traffic_path {
	enum node from;	/* SRC or R1 */
	unsigned int mss;	/* 0: the usual one; UDP's packets are as long, if set */
	bool family[2];	/* inner IPv4, IPv6: the traffic is shared between those set */
	bool bridged;	/* which addresses */
	bool taken;	/* UDP_DROPPED: there is no program that could drop it */
	bool lossy;	/* what is missing may come at the third or fourth try */
};

struct outcome {
	unsigned int sent;	/* packets; 0 for TCP, which makes its own */
	unsigned int again;	/* TCP: segments it sent another time */
	char error[256];	/* what went wrong, or "" */
};

/* 0, or -1 with a line on stderr. */
int traffic_init(bool quick);	/* quick: a few packets of each kind */
/* Closes what that opened, and takes the cgroups away. */
void traffic_end(void);

/* The cgroup of the sockets in r1 or sink, or -1. */
int traffic_cgroup(enum node n);
/* A program for sink's sockets, < 0: none; a map (or < 0) for those of its TCP streams. */
int traffic_filter(int prog);
void traffic_streams(int map);

/* Waits until packets get through (packets that count nowhere); false: they do not. */
bool traffic_warm(const struct traffic_path *p);

/* Sends and receives one run of it; returns when all is there, or no more is coming. */
void traffic_run(enum traffic_kind kind, const struct traffic_path *p, unsigned int epoch,
		 struct outcome *o);

#endif
