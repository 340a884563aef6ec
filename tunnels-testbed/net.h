/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The testbed's network: five namespaces in a row, and the tunnel of the moment between
 * r1 and r3.
 *
 *	 src ----------- r1 ------------ r2 ------------ r3 ---------- sink
 *	   to-r1   to-src  to-r2   to-r1  to-r3   to-r2   to-sink   to-r3
 *	                  tun  = = = = = = = = = = =  tun
 *
 * Routed, src and sink are in networks of their own; bridged, they have addresses in a
 * common one, and `br0` in r1 and r3 joins the tunnel to the device at its side.
 * All neighbours are permanent: no cell depends on when a neighbour was found.
 */
#ifndef TB_NET_H
#define TB_NET_H

#include <stdbool.h>
#include <stdio.h>

enum node { SRC, R1, R2, R3, SINK, NODES };

#define TUN_DEV	"tun"

/*
 * A tunnel is a file, tunnels/NAME, that the shell reads in both ends' namespaces. Its
 * first two lines are comments and say what it is; then come the variables below and
 * the function tunnel_up(), ordinary commands that make $DEV here, from $LOCAL to
 * $REMOTE (addresses of the underlay); $END is a in r1, b in r3. Addresses, routes
 * and the bridge are the engine's work.
 */
struct tunnel {
	char name[32];
	char path[256];		/* of the file */
	char layer[8];		/* what it carries: l2 Ethernet frames, l3 packets */
	char underlay[8];	/* what carries it: 4, 6; none: no tunnel, no tunnel_up() */
	char carries[16];	/* inner packets: "4", "6", "4 6" */
	char needs[256];	/* options of the kernel's configuration */
	char iproute2[16];	/* oldest version that can make it (optional) */
	char overhead[8];	/* bytes it puts around a packet */
	char also[64];		/* xdpgeneric: run it with generic XDP too (optional) */
};

/* Tunnels of a directory, those without an underlay first, then by name; < 0: error said. */
int tunnels_read(const char *dir, struct tunnel **tunnels);
bool tunnel_has(const char *words, const char *word);
/* Why it cannot be run on a kernel of this configuration (NULL: unknown), or NULL. */
const char *tunnel_missing(const struct tunnel *t, const char *config);

/* All of these: 0, or -1 with a line on stderr. */
int net_up(void);
int net_tunnel_up(const struct tunnel *t, bool bridged);
void net_tunnel_down(const struct tunnel *t);
const char *net_ns(enum node n);
int net_enter(enum node n);	/* as netns_enter() */

/* One feature of a device (`ethtool -k` names), at once; no such device is no error. */
int net_feature(enum node n, const char *dev, const char *feature, bool on);

/* What the devices look like, for a failure's report. */
void net_show(FILE *out);

#endif
