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
 * common one, and `br0` in r1 and r3 joins the tunnel to the device at its side. r2 is a
 * router, or a bridge for what has no IP header around it.
 * All neighbours are permanent: no cell depends on when a neighbour was found.
 */
#ifndef TB_NET_H
#define TB_NET_H

#include <stdbool.h>
#include <stdio.h>

enum node { SRC, R1, R2, R3, SINK, NODES };

#define TUN_DEV	"tun"

/*
 * A tunnel is a file, tunnels/NAME, that the shell reads in both ends' namespaces; what
 * else may happen to a packet on its way is one of the same form, paths/NAME. Its
 * first two lines are comments and say what it is; then come the variables below and
 * the function tunnel_up(), ordinary commands that make $DEV here, from $LOCAL to
 * $REMOTE (addresses of the underlay); $END is a in r1, b in r3. Addresses, routes
 * and the bridge are the engine's work. Also there to be used:
 *
 *	$UNDER		the device to the underlay; its Ethernet address is $UNDER_MAC, at the
 *			other end $UNDER_PEER
 *	$MAC $PEER	Ethernet addresses of $DEV here and at the other end
 *	$FAR4 $FAR6	the networks at the other end
 *	$VIA4 $VIA6	the routers that lead there, on $UNDER
 *	$HOST4 $HOST6	the host at this end, behind the device $SIDE
 *	$THERE		the network namespace of the other end
 *	$BPF		the object file made of bpf-progs/paths.bpf.c
 *	tbtool		what no command of Debian's does, see tbtool.c
 *
 * and, if the file has them, the functions
 *
 *	tunnel_route	instead of the engine's own routes to $FAR4 and $FAR6
 *	tunnel_check	after the traffic: fails if it did not go the way it should have
 *	tunnel_transit	in r2, where $LOCAL is end a's address and $REMOTE is end b's
 *	tunnel_down	takes away what does not go with $DEV; in r2 too
 *
 * Variables of a file's own are in its functions: at the start of a line there are those
 * below and no other, with words that there are.
 */
#define TUNNEL_FLAVOURS	"bridged xdpgeneric taps cpumap grolist hooks local local-tc lossy jumbo"
#define TUNNEL_TRAFFICS	"udp udp-dropped udp-gro tcp tcp-gso tcp-nogro"

struct tunnel {
	char name[128];
	char path[320];		/* of the file */
	char layer[8];		/* what it carries: l2 Ethernet frames, l3 packets */
	/*
	 * 4, 6; eth: r2 is a bridge; pair: end a makes $DEV and, in $THERE, the other one,
	 * r2 is not passed; none: no tunnel, no tunnel_up()
	 */
	char underlay[8];
	char device[8];		/* none: routes or policies do it, there is no $DEV (optional) */
	char carries[16];	/* inner packets: "4", "6", "4 6" */
	char needs[256];	/* options of the kernel's configuration */
	char iproute2[16];	/* oldest version that can make it (optional) */
	char overhead[8];	/* bytes it puts around a packet */
	char also[128];		/* flavours besides, see testbed.c (optional) */
	char routed[8];		/* no: only in its other flavours (optional) */
	char traffic[64];	/* kinds that can take this way, if not all (optional) */
	char gso[8];		/* no: trains are segmented before they enter it (optional) */
	char encrypted[8];	/* yes: no payload to be seen on the underlay (optional) */
	char fragments[8];	/* yes: packets are cut in pieces on the underlay (optional) */
	char mtu[8];		/* of $DEV, if not 1500 (optional) */
	char bypasses[128];	/* checkpoints that packets do not pass, by name (optional) */
	char outer[8];		/* no: not for whatever packets, none can be nested in it (optional) */
	char mac[8];		/* own: the file sees to it that $DEV has $MAC (optional) */
	char frames[8];		/* yes: XDP makes frames of the packets; see set_features() (optional) */
	char tags[8];		/* yes: its frames have a VLAN's tag (optional) */
	char untagged[8];	/* nested (optional): yes: no such tag may be in front of it;
				 * inside: none in the frames it carries */
	char errors[8];		/* yes: packets are too big for it, r1 tells src so (optional) */
	char mss[8];		/* of TCP, if not 1024 (optional) */
	char tools[64];		/* commands it uses, besides iproute2 (optional) */
	bool route, transit, down, check;	/* it has this function */
	const struct tunnel *under;	/* nested: the one its packets are in */
};

/*
 * Those of DIR/tunnels, the ones without an underlay first, then by name, then those of
 * DIR/paths; < 0: error said.
 */
int tunnels_read(const char *dir, struct tunnel **tunnels);
/*
 * Puts a tunnel into another one, nested itself perhaps: OUTER/INNER. What the engine asks
 * about is then true of both. NULL, or why that cannot be.
 */
#define TUNNEL_DEPTH	8
const char *tunnel_nest(struct tunnel *t, const struct tunnel *outer, const struct tunnel *inner);
bool tunnel_has(const char *words, const char *word);
bool tunnel_has_device(const struct tunnel *t);
/* Why it cannot be run on a kernel of this configuration (NULL: unknown), or NULL. */
const char *tunnel_missing(const struct tunnel *t, const char *config);

/* All of these: 0, or -1 with a line on stderr. */
int net_up(void);
int net_tunnel_up(const struct tunnel *t, bool bridged);
int net_tunnel_check(const struct tunnel *t);
void net_tunnel_down(const struct tunnel *t);
/* Where the last of the first two failed, and what was said there first; or "". */
const char *net_why(void);

const char *net_ns(enum node n);
int net_enter(enum node n);	/* as netns_enter() */

/* The last two nodes joined by a pair of netkit (layer 3), or of veth again. */
int net_last_hop(bool netkit);
/* Programs at the route to sink, as `ip route ... encap bpf` has them; NULL: none. */
int net_last_route(const char *encap);
/* MTUs of 9000 and more, the underlay's and those of tunnels to come; or 1500 again. */
int net_jumbo(bool on);
/* r1's way to the underlay loses, doubles and reorders packets. */
int net_disturb(bool on);
/* Packets may get lost: TCP of src and r1 is quick to send them again. */
int net_lossy(bool on);
/* src and r1 forget what they learned about MTUs on the way. */
void net_forget_mtu(void);

/* One feature of a device (`ethtool -k` names), at once. */
int net_feature(enum node n, const char *dev, const char *feature, bool on);

/*
 * Packet sockets that see all that passes r1, r2 and r3, so that every packet there is
 * cloned, and the clones are kept until net_taps_drain(), which says how many there were.
 */
int net_taps_open(void);
unsigned long net_taps_drain(void);
void net_taps_close(void);

/* What passes the tunnel's ends from now on; then written to PREFIX.r1.pcap and .r3.pcap. */
int net_capture(void);
void net_capture_end(FILE *out, const char *prefix);

/* What the devices look like, for a failure's report. */
void net_show(FILE *out);

#endif
