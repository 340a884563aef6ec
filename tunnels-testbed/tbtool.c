// SPDX-License-Identifier: GPL-2.0
/*
 * What a tunnel's file cannot do with Debian's commands, one subcommand each: netlink
 * requests, and sockets that have to stay open. Those of the latter go to the background
 * when all is set up, and end when the device they are for goes, or on SIGTERM.
 *
 * Exit status 0; 1 and a line on stderr that says what failed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>	/* before those of the kernel */
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_pppox.h>
#include <linux/if_tun.h>
#include <linux/mroute.h>
#include <linux/mroute6.h>
#include <linux/openvswitch.h>
#include <linux/ppp-ioctl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	fputs("tbtool: ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

/* The one who waits for this command goes on, what was set up stays. */
static void background(void)
{
	int null = open("/dev/null", O_RDWR);

	if (daemon(0, 1))
		die("daemon");
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
}

static unsigned int index_of(const char *dev)
{
	unsigned int index = if_nametoindex(dev);

	if (!index)
		die("%s", dev);
	return index;
}

/* ---- netlink ---- */

struct request {
	struct nlmsghdr n;
	char rest[2048];
};

static void *put(struct request *r, const void *data, size_t len)
{
	void *at = (char *)r + NLMSG_ALIGN(r->n.nlmsg_len);

	if (len)
		memcpy(at, data, len);
	r->n.nlmsg_len = NLMSG_ALIGN(r->n.nlmsg_len) + len;
	return at;
}

static struct nlattr *attr(struct request *r, int type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = NLA_HDRLEN + len, .nla_type = type }, *at;

	at = put(r, &a, sizeof(a));
	put(r, data, len);
	return at;
}

static void attr_u32(struct request *r, int type, __u32 value)
{
	attr(r, type, &value, sizeof(value));
}

static void attr_str(struct request *r, int type, const char *s)
{
	attr(r, type, s, strlen(s) + 1);
}

static struct nlattr *nest(struct request *r, int type)
{
	return attr(r, type, NULL, 0);
}

static void end(struct request *r, struct nlattr *a)
{
	a->nla_len = (char *)r + NLMSG_ALIGN(r->n.nlmsg_len) - (char *)a;
}

/* The answer, or the acknowledgement, is left in reply. Dies if it is an error. */
static void ask(int proto, struct request *r, struct request *reply, const char *what)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, proto);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	r->n.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0 || sendto(fd, r, r->n.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0 ||
	    recv(fd, reply, sizeof(*reply), 0) < 0)
		die("%s", what);
	close(fd);
	if (reply->n.nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)reply->rest)->error;
		if (errno)
			die("%s", what);
	}
}

static void genl(struct request *r, int family, int cmd, int version)
{
	const struct genlmsghdr g = { .cmd = cmd, .version = version };

	memset(r, 0, sizeof(*r));
	r->n.nlmsg_len = NLMSG_HDRLEN;
	r->n.nlmsg_type = family;
	put(r, &g, sizeof(g));
}

static int genl_family(const char *name)
{
	struct request r, reply;
	struct nlattr *a;
	int left;

	genl(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	attr_str(&r, CTRL_ATTR_FAMILY_NAME, name);
	ask(NETLINK_GENERIC, &r, &reply, name);
	a = (void *)(reply.rest + GENL_HDRLEN);
	left = reply.n.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	for (; left > 0; left -= NLA_ALIGN(a->nla_len), a = (void *)a + NLA_ALIGN(a->nla_len))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(__u16 *)(a + 1);
	errno = ENOENT;
	die("%s", name);
}

/* ---- GTP: the kernel's part is the data plane, a daemon would bring the contexts ---- */

#define GTP_CMD_NEWPDP		0
#define GTPA_LINK		1
#define GTPA_VERSION		2
#define GTPA_PEER_ADDRESS	4
#define GTPA_MS_ADDRESS		5
#define GTPA_I_TEI		8
#define GTPA_O_TEI		9

static void gtp(char **arg)
{
	struct request r, reply;

	genl(&r, genl_family("gtp"), GTP_CMD_NEWPDP, 0);
	attr_u32(&r, GTPA_LINK, index_of(arg[0]));
	attr_u32(&r, GTPA_VERSION, 1);
	attr_u32(&r, GTPA_PEER_ADDRESS, inet_addr(arg[1]));
	attr_u32(&r, GTPA_MS_ADDRESS, inet_addr(arg[2]));
	attr_u32(&r, GTPA_I_TEI, 42);
	attr_u32(&r, GTPA_O_TEI, 42);
	ask(NETLINK_GENERIC, &r, &reply, "GTP context");
}

/* ---- Open vSwitch's datapath: two ports, each frame from one to the other ---- */

#define ETH_P_NSH_		0x894f
#define NSH_ETHERNET		3	/* what is in it */

static void ovs_request(struct request *r, const char *family, int cmd, int dp)
{
	const struct ovs_header h = { .dp_ifindex = dp };

	genl(r, genl_family(family), cmd, 1);
	put(r, &h, sizeof(h));
}

/* Key or mask: a port, any addresses; of NSH that there is a frame in it. */
static void ovs_match(struct request *r, int type, __u32 port, bool nsh, bool mask)
{
	const struct ovs_nsh_key_base base = { .np = mask ? 0xff : NSH_ETHERNET };
	const __be16 proto = htons(mask ? 0xffff : ETH_P_NSH_);
	const struct ovs_key_ethernet eth = { };
	struct nlattr *key = nest(r, type), *n;

	attr_u32(r, OVS_KEY_ATTR_IN_PORT, mask ? ~0u : port);
	attr(r, OVS_KEY_ATTR_ETHERNET, &eth, sizeof(eth));
	if (nsh) {
		attr(r, OVS_KEY_ATTR_ETHERTYPE, &proto, sizeof(proto));
		n = nest(r, OVS_KEY_ATTR_NSH);
		attr(r, OVS_NSH_KEY_ATTR_BASE, &base, sizeof(base));
		end(r, n);
	}
	end(r, key);
}

static void ovs_flow(int dp, __u32 from, bool nsh)
{
	const struct ovs_nsh_key_base base = { .ttl = 63, .mdtype = 1, .path_hdr = htonl(42) };
	const struct ovs_action_push_eth eth = { .addresses = {
		.eth_src = { 2, 0, 0, 0, 0x42, 1 },
		.eth_dst = { 255, 255, 255, 255, 255, 255 },
	} };
	const struct ovs_nsh_key_md1 md1 = { };
	struct request r, reply;
	struct nlattr *actions, *push, *n;

	ovs_request(&r, OVS_FLOW_FAMILY, OVS_FLOW_CMD_NEW, dp);
	ovs_match(&r, OVS_FLOW_ATTR_KEY, from, nsh && from, false);
	ovs_match(&r, OVS_FLOW_ATTR_MASK, from, nsh && from, true);
	actions = nest(&r, OVS_FLOW_ATTR_ACTIONS);
	if (nsh && !from) {
		push = nest(&r, OVS_ACTION_ATTR_PUSH_NSH);
		n = nest(&r, OVS_KEY_ATTR_NSH);
		attr(&r, OVS_NSH_KEY_ATTR_BASE, &base, sizeof(base));
		attr(&r, OVS_NSH_KEY_ATTR_MD1, &md1, sizeof(md1));
		end(&r, n);
		end(&r, push);
		attr(&r, OVS_ACTION_ATTR_PUSH_ETH, &eth, sizeof(eth));
	} else if (nsh) {
		attr(&r, OVS_ACTION_ATTR_POP_ETH, NULL, 0);
		attr(&r, OVS_ACTION_ATTR_POP_NSH, NULL, 0);
	}
	attr_u32(&r, OVS_ACTION_ATTR_OUTPUT, !from);
	end(&r, actions);
	ask(NETLINK_GENERIC, &r, &reply, "flow");
}

static void ovs(char **arg)
{
	const bool nsh = !strcmp(arg[2], "nsh");
	struct request r, reply;
	int dp;

	/* its own port, 0, is a device of the same name */
	ovs_request(&r, OVS_DATAPATH_FAMILY, OVS_DP_CMD_NEW, 0);
	attr_str(&r, OVS_DP_ATTR_NAME, arg[0]);
	attr_u32(&r, OVS_DP_ATTR_UPCALL_PID, 0);
	ask(NETLINK_GENERIC, &r, &reply, "datapath");
	dp = index_of(arg[0]);
	ovs_request(&r, OVS_VPORT_FAMILY, OVS_VPORT_CMD_NEW, dp);
	attr_str(&r, OVS_VPORT_ATTR_NAME, arg[1]);
	attr_u32(&r, OVS_VPORT_ATTR_TYPE, OVS_VPORT_TYPE_NETDEV);
	attr_u32(&r, OVS_VPORT_ATTR_PORT_NO, 1);
	attr_u32(&r, OVS_VPORT_ATTR_UPCALL_PID, 0);
	ask(NETLINK_GENERIC, &r, &reply, arg[1]);
	for (__u32 from = 0; from < 2; from++)
		ovs_flow(dp, from, nsh);
}

static void ovs_del(char **arg)
{
	struct request r, reply;

	ovs_request(&r, OVS_DATAPATH_FAMILY, OVS_DP_CMD_DEL, index_of(arg[0]));
	ask(NETLINK_GENERIC, &r, &reply, "datapath");
}

/* ---- PPP over what has a socket ---- */

/* Until somebody deletes the device, or this process. */
static void keep(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];

	background();
	while (poll(&p, 1, -1) >= 0 && !(p.revents & (POLLHUP | POLLERR | POLLNVAL)))
		if (read(fd, buf, sizeof(buf)) <= 0 && errno != EAGAIN)
			break;
}

/* A PPP device for a connected PPPoX socket: the negotiation's outcome without one. */
static void ppp(int sock, const char *name)
{
	struct npioctl np = { .mode = NPMODE_PASS };
	int chan, unit = -1, channel = -1, ppp;
	struct ifreq old = { 0 };

	if (ioctl(sock, PPPIOCGCHAN, &channel))
		die("PPPIOCGCHAN");
	chan = open("/dev/ppp", O_RDWR);
	ppp = open("/dev/ppp", O_RDWR);
	if (chan < 0 || ppp < 0)
		die("/dev/ppp");
	if (ioctl(chan, PPPIOCATTCHAN, &channel) || ioctl(ppp, PPPIOCNEWUNIT, &unit) ||
	    ioctl(chan, PPPIOCCONNECT, &unit))
		die("PPP unit");
	for (int v6 = 0; v6 < 2; v6++) {
		np.protocol = v6 ? PPP_IPV6 : PPP_IP;
		if (ioctl(ppp, PPPIOCSNPMODE, &np))
			die("PPPIOCSNPMODE");
	}
	snprintf(old.ifr_name, sizeof(old.ifr_name), "ppp%d", unit);
	snprintf(old.ifr_newname, sizeof(old.ifr_newname), "%s", name);
	if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFNAME, &old))
		die("%s", name);
	keep(ppp);
}

static void pppoe(char **arg)
{
	struct sockaddr_pppox sa = {
		.sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OE,
		.sa_addr.pppoe.sid = htons(42),
	};
	int fd = socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_OE);
	unsigned char *m = sa.sa_addr.pppoe.remote;

	if (sscanf(arg[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4,
		   m + 5) != 6) {
		errno = EINVAL;
		die("%s", arg[2]);
	}
	snprintf(sa.sa_addr.pppoe.dev, IFNAMSIZ, "%s", arg[1]);
	if (fd < 0 || connect(fd, (void *)&sa, sizeof(sa)))
		die("PPPoE on %s", arg[1]);
	ppp(fd, arg[0]);
}

static void pppol2tp(char **arg)
{
	struct sockaddr_pppol2tp sa = {
		.sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP,
		.pppol2tp = { .fd = -1, .s_tunnel = atoi(arg[1]), .d_tunnel = atoi(arg[1]),
			      .s_session = 1, .d_session = 1 },
	};
	int fd = socket(AF_PPPOX, SOCK_DGRAM, PX_PROTO_OL2TP);

	if (fd < 0 || connect(fd, (void *)&sa, sizeof(sa)))
		die("PPP in L2TP tunnel %s", arg[1]);
	ppp(fd, arg[0]);
}

/* ---- multicast routing, which is there as long as the socket is ---- */

static void mroute(char **arg)
{
	struct mfcctl mfc = { .mfcc_origin.s_addr = inet_addr(arg[0]),
			      .mfcc_mcastgrp.s_addr = inet_addr(arg[1]) };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP), on = 1;
	char name[IF_NAMESIZE];

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, MRT_INIT, &on, sizeof(on)))
		die("multicast routing");
	for (int i = 0; i < 3; i++) {
		struct vifctl vif = { .vifc_vifi = i, .vifc_flags = VIFF_USE_IFINDEX,
				      .vifc_threshold = 1,
				      .vifc_lcl_ifindex = index_of(arg[2 + i]) };

		if (setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &vif, sizeof(vif)))
			die("%s", arg[2 + i]);
		mfc.mfcc_ttls[i] = i ? 1 : 0;	/* in at the first, out at the others */
	}
	if (setsockopt(fd, IPPROTO_IP, MRT_ADD_MFC, &mfc, sizeof(mfc)))
		die("route to %s", arg[1]);
	on = index_of(arg[3]);
	background();
	while (if_indextoname(on, name))
		sleep(1);
}

static void mroute6(char **arg)
{
	struct mf6cctl mfc = { .mf6cc_origin.sin6_family = AF_INET6,
			       .mf6cc_mcastgrp.sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), on = 1;
	char name[IF_NAMESIZE];

	if (inet_pton(AF_INET6, arg[0], &mfc.mf6cc_origin.sin6_addr) != 1 ||
	    inet_pton(AF_INET6, arg[1], &mfc.mf6cc_mcastgrp.sin6_addr) != 1 ||
	    fd < 0 || setsockopt(fd, IPPROTO_IPV6, MRT6_INIT, &on, sizeof(on)))
		die("multicast routing");
	for (int i = 0; i < 3; i++) {
		struct mif6ctl mif = { .mif6c_mifi = i, .vifc_threshold = 1,
				       .mif6c_pifi = index_of(arg[2 + i]) };

		if (setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MIF, &mif, sizeof(mif)))
			die("%s", arg[2 + i]);
		if (i)
			IF_SET(i, &mfc.mf6cc_ifset);
	}
	if (setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MFC, &mfc, sizeof(mfc)))
		die("route to %s", arg[1]);
	on = index_of(arg[3]);
	background();
	while (if_indextoname(on, name))
		sleep(1);
}

/* ---- tunnels in user space: what is read at one side is written at the other ---- */

/* Until one of them is deleted. */
static void relay(int a, int b)
{
	struct pollfd p[] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	static char buf[65536];

	background();
	while (poll(p, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, buf, sizeof(buf)) : 0;

			if (n > 0)
				n = write(p[!i].fd, buf, n);
			if (n < 0 && (errno == EBADFD || errno == ENODEV))
				return;
		}
}

static int tap_open(const char *path, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int dev = open(path, O_RDWR);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (dev < 0 || ioctl(dev, TUNSETIFF, &ifr))
		die("%s", name);
	return dev;
}

/*
 * macvtap's character device: its numbers are in the sysfs of this namespace, and the node
 * in /dev may be another namespace's.
 */
static void macvtap(char **arg)
{
	unsigned int major, minor;
	char path[128];
	FILE *f;

	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL))
		die("sysfs");
	snprintf(path, sizeof(path), "/sys/class/net/%s/tap%u/dev", arg[1], index_of(arg[1]));
	f = fopen(path, "r");
	if (!f || fscanf(f, "%u:%u", &major, &minor) != 2)
		die("%s", path);
	snprintf(path, sizeof(path), "/dev/tbtool-%d", getpid());
	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)))
		die("%s", path);
	major = tap_open(path, arg[1]);
	unlink(path);
	relay(tap_open("/dev/net/tun", arg[0]), major);
}

/* A tap device's frames in UDP. */
static void tap(char **arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(5555) };
	int dev = tap_open("/dev/net/tun", arg[0]), udp = socket(AF_INET, SOCK_DGRAM, 0);
	const int space = 4 << 20;

	setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof(space));
	sin.sin_addr.s_addr = inet_addr(arg[1]);
	if (bind(udp, (void *)&sin, sizeof(sin)))
		die("%s", arg[1]);
	sin.sin_addr.s_addr = inet_addr(arg[2]);
	if (connect(udp, (void *)&sin, sizeof(sin)))
		die("%s", arg[2]);
	relay(dev, udp);
}

/* ---- XDP with maps that have something in them ---- */

static void xdp(char **arg)
{
	const struct bpf_cpumap_val cpu = { .qsize = 512 };
	struct bpf_devmap_val dev = { 0 };
	struct bpf_object *obj = bpf_object__open(getenv("BPF"));
	struct bpf_program *prog, *p;
	__u32 zero = 0;
	int err;

	if (!obj)
		die("%s", getenv("BPF"));
	prog = bpf_object__find_program_by_name(obj, arg[1]);
	if (!prog)
		die("program %s", arg[1]);
	bpf_object__for_each_program(p, obj)
		bpf_program__set_autoload(p, p == prog);
	if (bpf_object__load(obj))
		die("loading %s", arg[1]);
	dev.ifindex = index_of(arg[3]);
	err = bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "cpus"), &zero, &cpu, 0) ?:
	      bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "devs"), &zero, &dev, 0) ?:
	      bpf_xdp_attach(index_of(arg[0]), bpf_program__fd(prog),
			     strcmp(arg[2], "generic") ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE,
			     NULL);
	if (err)
		die("%s on %s", arg[1], arg[0]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name, *args, *what;
		int nr;
		void (*run)(char **arg);
	} cmds[] = {
		{ "gtp", "DEV PEER MS", "a GTPv1 context, TEI 42 both ways", 3, gtp },
		{ "macvtap", "DEV MACVTAP", "a tap device, its frames from and to a macvtap", 2, macvtap },
		{ "mroute", "FROM GROUP IN OUT OUT", "a multicast route, while the first OUT is there",
		  5, mroute },
		{ "mroute6", "FROM GROUP IN OUT OUT", "likewise, of IPv6", 5, mroute6 },
		{ "ovs", "DEV ON plain|nsh", "a switch: DEV, ON, and flows both ways", 3, ovs },
		{ "ovs-del", "DEV", "takes it away", 1, ovs_del },
		{ "pppoe", "DEV ON MAC", "session 42 with MAC on device ON", 3, pppoe },
		{ "pppol2tp", "DEV TUNNEL", "session 1 of an L2TPv2 tunnel", 2, pppol2tp },
		{ "tap", "DEV LOCAL REMOTE", "a tap device's frames in UDP", 3, tap },
		{ "xdp", "DEV PROG native|generic TO", "a program of $BPF; TO: for its devmap",
		  4, xdp },
	};

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(cmds); i++)
		if (!strcmp(argv[1], cmds[i].name) && argc - 2 == cmds[i].nr) {
			cmds[i].run(argv + 2);
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(stderr, "%s tbtool %s %s: %s\n", i ? "      " : "usage:", cmds[i].name,
			cmds[i].args, cmds[i].what);
	return 1;
}
