// SPDX-License-Identifier: GPL-2.0
/*
 * A packet with metadata comes to XDP on an skb (veth, generic), to a program that leaves
 * none. Who reads after it finds what was written, or nothing.
 *
 *	a0 --- a1: XDP writes -- bridge -- b0 --- b1: XDP strips the head, tc reads
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "ktap.h"
#include "netns.h"
#include "xdp_stale.skel.h"

#define PACKETS	10
#define PROTO	0x88b5
#define REASON	"stock: the length stays when the program leaves no metadata (kernel-patches/fixes)"

static char why[256];

static bool __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return false;
}

static bool send_packets(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("a0") };
	unsigned char packet[100] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, PROTO >> 8, PROTO & 255 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0;

	memset(packet + ETH_HLEN, 0x55, sizeof(packet) - ETH_HLEN);
	for (int i = 0; i < PACKETS && ok; i++)
		ok = sendto(fd, packet, sizeof(packet), 0, (void *)&to, sizeof(to)) == sizeof(packet);
	if (fd >= 0)
		close(fd);
	return ok || fail("sending on a0: %s", strerror(errno));
}

static bool arrived(void *bss)
{
	return ((struct xdp_stale_bpf__bss *)bss)->packets == PACKETS;
}

static bool tc(struct bpf_program *prog, const char *dev)
{
	LIBBPF_OPTS(bpf_tcx_opts, opts);
	struct bpf_link *link = bpf_program__attach_tcx(prog, if_nametoindex(dev), &opts);

	if (!link)
		return fail("tcx on %s: %s", dev, strerror(errno));
	bpf_link__disconnect(link);	/* it goes with the device */
	return true;
}

/* True: the path was run, and skel->bss says what came of it. */
static bool run(struct xdp_stale_bpf *skel, struct bpf_program *second, unsigned int mode)
{
	if (!tc(skel->progs.read, "b1"))
		return false;
	if (bpf_xdp_attach(if_nametoindex("a1"), bpf_program__fd(skel->progs.mark),
			   XDP_FLAGS_DRV_MODE, NULL) ||
	    bpf_xdp_attach(if_nametoindex("b1"), bpf_program__fd(second), mode, NULL))
		return fail("attaching XDP: %s", strerror(errno));
	if (!send_packets())
		return false;
	if (!wait_for(arrived, skel->bss, 2) || skel->bss->seen != PACKETS)
		return fail("%u of %u packets arrived, %u went through XDP", skel->bss->packets,
			    PACKETS, skel->bss->seen);
	return true;
}

static bool topology(void)
{
	return !netns_sh(NULL, "set -e; sysctl -qw net.ipv6.conf.default.disable_ipv6=1; "
			       "ip link add name br0 type bridge; ip link set br0 up; "
			       "for p in a b; do ip link add ${p}0 type veth peer name ${p}1; "
			       "ip link set ${p}0 up; ip link set ${p}1 up; done; "
			       "ip link set a1 master br0; ip link set b0 master br0") ||
	       fail("no topology");
}

int main(void)
{
	static const struct {
		const char *name;
		bool strip;
		unsigned int mode;
	} tests[] = {
		{ "veth.pass", false, XDP_FLAGS_DRV_MODE },
		{ "veth.strip", true, XDP_FLAGS_DRV_MODE },
		{ "generic.pass", false, XDP_FLAGS_SKB_MODE },
		{ "generic.strip", true, XDP_FLAGS_SKB_MODE },
	};
	struct utsname u;
	struct ktap t;
	bool stock;

	uname(&u);
	stock = !strstr(u.release, "-movable") && !strstr(u.release, "-fixes");
	ktap_start(&t, sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		struct xdp_stale_bpf *skel = NULL;
		int back;
		bool ok = false;

		*why = '\0';
		if (netns_add("stale") || (back = netns_enter("stale")) < 0) {
			ktap_result(&t, KTAP_FAIL, "no namespace", "%s", tests[i].name);
			continue;
		}
		if (topology()) {
			skel = xdp_stale_bpf__open_and_load();
			if (skel)
				ok = run(skel, tests[i].strip ? skel->progs.strip :
					 skel->progs.pass, tests[i].mode);
			else
				fail("loading the programs: %s", strerror(errno));
		}
		if (ok && skel->bss->wrong)
			fail("%u of %u packets have metadata that nobody wrote: %016llx",
			     skel->bss->wrong, skel->bss->packets,
			     (unsigned long long)skel->bss->bytes);
		if (ok && stock && tests[i].strip)
			ktap_result(&t, *why ? KTAP_XFAIL : KTAP_FAIL,
				    *why ? REASON : "does not fail any more", "%s", tests[i].name);
		else
			ktap_result(&t, *why ? KTAP_FAIL : KTAP_PASS, why, "%s", tests[i].name);
		xdp_stale_bpf__destroy(skel);
		netns_leave(back);
		netns_del("stale");
	}
	return ktap_finish(&t);
}
