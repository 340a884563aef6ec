// SPDX-License-Identifier: GPL-2.0
/*
 * Where a device is asked to do a part of the work, and the stack does another one.
 *
 *	(tap) off-r (veth) ------ off-s
 *
 * ufo: UDP fragmentation offload, which is still there for what virtual machines send. One
 * datagram of 8000 bytes enters through the tap and leaves by a device that cannot cut it,
 * so udp4_ufo_fragment() and udp6_ufo_fragment() do. Each fragment has the label, whose
 * bytes lie where IPv6's fragment header and the moved MAC header want to go.
 *
 *	off-src (veth) ------ off-r (netdevsim) ====== off-s
 *
 * esp: the device is to encrypt (netdevsim says it does), so headers and trailer are put
 * around the packet in dev_queue_xmit(), behind the last hook: esp_xmit(), for packets and
 * for what esp4_gso_segment() and esp6_gso_segment() make of a UDP GSO packet.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bpf-progs/reach.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"
#include "offload.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DATAGRAM	8000
#define MTU		1500
#define PACKETS		16
#define SEGMENT		1000	/* of UDP GSO */
#define SEGMENTS	8

static struct offload_bpf *skel;
static struct ktap ktap;
static unsigned int epoch = 1;

struct frame {
	struct virtio_net_hdr vnet;
	unsigned char bytes[sizeof(struct ethhdr) + sizeof(struct ipv6hdr) +
			    sizeof(struct udphdr) + DATAGRAM];
	size_t len;
};

static int tap_open(void)
{
	struct ifreq ifr = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_UFO)) {
		fprintf(stderr, "# tap0: %s\n", strerror(errno));
		return -1;
	}
	return fd;
}

static int attach(struct bpf_program *prog, const char *ns, const char *dev)
{
	int old = netns_enter(ns);
	struct bpf_link *link = bpf_program__attach_tcx(prog, if_nametoindex(dev), NULL);

	netns_leave(old);
	return link ? 0 : -1;
}

/* The tap's descriptor, or -1. */
static int setup_tap(void)
{
	int old = netns_enter("off-r"), fd = tap_open();

	netns_leave(old);
	if (fd < 0 ||
	    netns_sh("off-r",
		     "ip link set tap0 address 02:00:00:00:00:01 up && "
		     "ip link add out type veth peer name in netns off-s && "
		     "ip link set out up && ip -n off-s link set in address 02:00:00:00:00:02 up && "
		     "ip addr add 192.0.2.1/25 dev tap0 && "
		     "ip addr add 2001:db8:1::1/64 dev tap0 nodad && "
		     "ip addr add 198.51.100.1/24 dev out && "
		     "ip addr add 2001:db8:2::1/64 dev out nodad && "
		     "ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:02 dev out && "
		     "ip neigh add 2001:db8:2::2 lladdr 02:00:00:00:00:02 dev out") ||
	    attach(skel->progs.tag, "off-r", "tap0") || attach(skel->progs.look, "off-s", "in"))
		return -1;
	return fd;
}

/* 0 once off-r sends through a tunnel that netdevsim is to encrypt. */
static int setup_esp(void)
{
	static const char key[] = "0x000102030405060708090a0b0c0d0e0f10111213";

	if (netns_add("off-src") ||
	    netns_sh("off-src",
		     "ip link add out type veth peer name side netns off-r && "
		     "ip link set out up && ip -n off-r link set side up && "
		     "ip addr add 192.0.2.130/25 dev out && ip route add default via 192.0.2.129 && "
		     "ip addr add 2001:db8:4::2/64 dev out nodad && "
		     "ip route add default via 2001:db8:4::1 && "
		     "ip -n off-r addr add 192.0.2.129/25 dev side && "
		     "ip -n off-r addr add 2001:db8:4::1/64 dev side nodad") ||
	    /* a number of the bus, which no namespace has of its own, and how many ports */
	    netns_sh(NULL,
		     "exec 3</run/netns/off-r 4</run/netns/off-s; cd /sys/bus/netdevsim && "
		     "echo 7101 1 >new_device && echo 7102 1 >new_device && "
		     "ip link set $(ls devices/netdevsim7101/net) netns off-r name esp && "
		     "ip link set $(ls devices/netdevsim7102/net) netns off-s name esp && "
		     "index() { ip -j -n $1 link show dev esp | jq '.[0].ifindex'; } && "
		     "echo 3:$(index off-r) 4:$(index off-s) >link_device") ||
	    netns_sh("off-r",
		     "ip link set esp up && "
		     "ip -n off-s link set esp address 02:00:00:00:00:04 up && "
		     "ip addr add 198.18.0.1/24 dev esp && "
		     "ip addr add 2001:db8:5::1/64 dev esp nodad && "
		     "ip neigh add 198.18.0.2 lladdr 02:00:00:00:00:04 dev esp && "
		     "ip neigh add 2001:db8:5::2 lladdr 02:00:00:00:00:04 dev esp && "
		     "ip route add 203.0.113.0/24 via 198.18.0.2 && "
		     "ip route add 2001:db8:3::/64 via 2001:db8:5::2") ||
	    netns_sh("off-r",
		     "add() { ip xfrm state add src $1 dst $2 proto esp spi 1 mode tunnel "
		     "aead 'rfc4106(gcm(aes))' %s 128 offload dev esp dir out && "
		     "ip xfrm policy add dst $3 dir out tmpl src $1 dst $2 proto esp mode tunnel; } && "
		     "add 198.18.0.1 198.18.0.2 203.0.113.0/24 && "
		     "add 2001:db8:5::1 2001:db8:5::2 2001:db8:3::/64", key))
		return -1;
	return attach(skel->progs.tag, "off-r", "side") || attach(skel->progs.look, "off-s", "esp");
}

static void records(void *payload, size_t len, __u32 nonce)
{
	__u64 record = tb_record(nonce);

	for (size_t i = 0; i < len; i += sizeof(record))
		memcpy((char *)payload + i, &record, sizeof(record));
}

static void ip4(struct frame *f, struct iphdr *ip)
{
	__u32 sum = 0;

	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.tot_len = htons(sizeof(*ip) + sizeof(struct udphdr) + DATAGRAM),
		.saddr = inet_addr("192.0.2.2"), .daddr = inet_addr("198.51.100.2"),
	};
	for (size_t i = 0; i < sizeof(*ip) / 2; i++)
		sum += ((__u16 *)ip)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~(sum + (sum >> 16));
	f->vnet.gso_size = MTU - sizeof(*ip);
}

static void ip6(struct frame *f, struct ipv6hdr *ip)
{
	*ip = (struct ipv6hdr){
		.version = 6, .hop_limit = 64, .nexthdr = IPPROTO_UDP,
		.payload_len = htons(sizeof(struct udphdr) + DATAGRAM),
	};
	inet_pton(AF_INET6, "2001:db8:1::2", &ip->saddr);
	inet_pton(AF_INET6, "2001:db8:2::2", &ip->daddr);
	/* the fragment header, and whole units of eight bytes */
	f->vnet.gso_size = (MTU - sizeof(*ip) - 8) & ~7;
}

/* The checksum is left to be completed, as UFO wants it. */
static void build(struct frame *f, int family, __u32 nonce)
{
	static const unsigned char macs[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3 };
	size_t at = sizeof(struct ethhdr);

	memset(f, 0, sizeof(*f));
	memcpy(f->bytes, macs, sizeof(macs));
	*(__be16 *)(f->bytes + 12) = htons(family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (family == AF_INET) {
		ip4(f, (void *)(f->bytes + at));
		at += sizeof(struct iphdr);
	} else {
		ip6(f, (void *)(f->bytes + at));
		at += sizeof(struct ipv6hdr);
	}
	*(struct udphdr *)(f->bytes + at) = (struct udphdr){
		.source = htons(5000), .dest = htons(5001),
		.len = htons(sizeof(struct udphdr) + DATAGRAM),
	};
	f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	f->vnet.csum_start = at;
	f->vnet.csum_offset = offsetof(struct udphdr, check);
	at += sizeof(struct udphdr);
	f->vnet.hdr_len = at;
	records(f->bytes + at, DATAGRAM, nonce);
	f->len = sizeof(f->vnet) + at + DATAGRAM;
}

static bool arrived(void *arg)
{
	return skel->bss->pieces >= *(unsigned long long *)arg;
}

static void begin(unsigned int size)
{
	struct offload_bpf__bss *bss = skel->bss;

	memset(&bss->cell, 0, sizeof(bss->cell));
	bss->gso = bss->pieces = 0;
	bss->error = 0;
	bss->labels.size = size;
	bss->labels.epoch = ++epoch;
}

/* Of want pieces each should have the label of the packet it was cut from. */
static void end(unsigned int gso, unsigned long long want, const char *what, int family)
{
	struct offload_bpf__bss *bss = skel->bss;
	char why[256];

	wait_for(arrived, &want, 2);
	bss->labels.epoch = 0;
	snprintf(why, sizeof(why), "%llu came whole (want %u); of %llu pieces (want %llu) the label "
		 "was right in %llu, lost in %llu, wrong in %llu; making it: error %lld",
		 bss->gso, gso, bss->pieces, want, bss->cell.kept, bss->cell.lost,
		 bss->cell.corrupt, bss->error);
	ktap_result(&ktap, want && bss->gso == gso && bss->pieces == want &&
		    bss->cell.kept == want && !bss->error ? KTAP_PASS : KTAP_FAIL, why,
		    "%s.ipv%d.%u", what, family == AF_INET ? 4 : 6, bss->labels.size);
}

static void ufo(int tap, int family, unsigned int size)
{
	unsigned long long want = 0;
	struct frame f;

	begin(size);
	for (int i = 0; i < PACKETS; i++) {
		build(&f, family, TB_NONCE(epoch, i));
		if (write(tap, &f, f.len) != (ssize_t)f.len)
			break;
		want += (sizeof(struct udphdr) + DATAGRAM + f.vnet.gso_size - 1) / f.vnet.gso_size;
	}
	end(PACKETS, want, "ufo", family);
}

static void esp(int fd, int family, unsigned int size, unsigned int segments)
{
	int segment = segments > 1 ? SEGMENT : 0;
	unsigned char payload[SEGMENT * SEGMENTS];
	union address to;

	address(&to, family == AF_INET ? "203.0.113.2" : "2001:db8:3::2", 5001);
	setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	begin(size);
	for (int i = 0; i < PACKETS; i++) {
		records(payload, segments * SEGMENT, TB_NONCE(epoch, i));
		if (sendto(fd, payload, segments * SEGMENT, 0, &to.sa, sizeof(to)) < 0)
			ktap_diag(&ktap, "sendto: %s", strerror(errno));
	}
	end(segment ? PACKETS : 0, PACKETS * segments, segment ? "esp-gso" : "esp", family);
}

int main(void)
{
	static const unsigned int sizes[] = { 4, 64, 208, 252 };
	static const int families[] = { AF_INET, AF_INET6 };
	const char *missing = meta_missing();
	int tap, fd[ARRAY_SIZE(families)];

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, ARRAY_SIZE(families) * ARRAY_SIZE(sizes) * 3);
	skel = offload_bpf__open_and_load();
	if (!skel || netns_add("off-r") || netns_add("off-s") ||
	    netns_sysctl("off-r", "net/ipv4/ip_forward", "1") ||
	    netns_sysctl("off-r", "net/ipv6/conf/all/forwarding", "1"))
		return ktap_bail_out(&ktap, "the network could not be set up");
	tap = setup_tap();
	if (tap < 0 || setup_esp())
		return ktap_bail_out(&ktap, "the network could not be set up");
	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		fd[f] = train_socket("off-src", families[f], SOCK_DGRAM, NULL, 0);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			ufo(tap, families[f], sizes[i]);
			esp(fd[f], families[f], sizes[i], 1);
			esp(fd[f], families[f], sizes[i], SEGMENTS);
		}
	}
	return ktap_finish(&ktap);
}
